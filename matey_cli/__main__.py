"""Run `python -m matey_cli` as `matey`."""

from matey_cli.app import main

if __name__ == "__main__":
    main()
