"""Slurm by its commands: `squeue`, `sbatch`, `scontrol` ..., here or over SSH."""
