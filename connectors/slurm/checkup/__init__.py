"""A checkup of one Slurm: what keeps Tidegate from working with it as it should. Here may not be any change of it."""
