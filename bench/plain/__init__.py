"""The same schemes written plainly with NumPy and SciPy: what `bench.simulators` compares with.

A file here has the name of a simulator and one function,

    trajectory(simulator, sample) -> (t, c, *space) float64 array of the stored fields,

that solves one sample in float64, one trajectory at a time, as one would write it first: the
scheme of the solver, whole-array NumPy, no batch, no torch.
"""
