"""A case on several ranks, and a field of one's own (mpiexec -n 2 python docs/on_ranks.py)."""

import lifrac
import numpy as np
import ufl
from dolfinx import fem
from mpi4py import MPI

simulation = lifrac.Simulation(lifrac.load_case("llzo_holds", crack_size="1 um", max_steps=8))
simulation.run(check=False)  # max_steps ends it before its protocol does

phi = simulation.fields["potential"]
mesh, kappa = phi.function_space.mesh, simulation.model.electrolyte.conductivity
cellwise = fem.functionspace(mesh, ("DG", 0))
density = fem.Function(cellwise, name="current_density")
size = kappa * ufl.sqrt(ufl.inner(ufl.grad(phi), ufl.grad(phi)))
density.interpolate(fem.Expression(size, cellwise.element.interpolation_points))

largest = mesh.comm.allreduce(float(np.max(density.x.array)), op=MPI.MAX)
area = mesh.comm.allreduce(fem.assemble_scalar(fem.form(fem.Constant(mesh, 1.0) * ufl.dx)), op=MPI.SUM)
mean = mesh.comm.allreduce(fem.assemble_scalar(fem.form(density * ufl.dx)), op=MPI.SUM) / area
if mesh.comm.rank == 0:
    print(f"{simulation.outcome}: mean {mean:.6g} A/m2, largest {largest:.6g} A/m2")
