"""What a person types and sees: parse, call one workflow, render."""
