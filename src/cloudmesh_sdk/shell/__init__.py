"""The command `cm`: each command group is a file that parses, calls the mesh and shows."""
