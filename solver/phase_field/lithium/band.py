"""The band of a diffuse crack as seen by lithium: where it is, which way it runs, how wide it stands open.

Crack surface per volume is |grad d|/2: its integral across the band is one, d rising to one and falling again, and the
opening -u.grad d is spread in the same way, so that hardly anything has to move across. Fields that belong to the crack
surface, such as the aperture, are made uniform across the band by a strong conduction in the direction of grad d.
"""

import numpy as np
import ufl
from dolfinx import fem, la
from dolfinx.fem import petsc as fem_petsc
from lifrac.solver.numerics.linear import LinearSolver
from lifrac.solver.numerics.nodal import NodalSums, nodes_of_cells
from lifrac.solver.phase_field.fracture.fields import Floats
from lifrac.solver.physics.damage import DamageModel
from lifrac.solver.physics.lithium import LUMPED
from numpy.typing import NDArray
from ufl.core.expr import Expr

CONDUCTION_LENGTH = 4.0
"""Length over which surface fields are made uniform across the band, in l: twice its half width."""
DIRECTION_LENGTH = 2.5
"""Length over which the direction of the crack is averaged, in l: the tip takes over that of the crack behind it."""
WEIGHT_OUTSIDE = 1.0e-9
"""Weight of "the field is zero" against |grad d| l: decides outside the band only."""
DAMAGED = 1.0e-6
"""Damage [-] from which on a cell belongs to the band."""
BROKEN_THROUGH = 0.9
"""Peak of the damage across the band from which on the crack is open to metal: ahead of it is the process zone."""


class Band:
    """Geometry of the diffuse crack at the present damage; forms and solvers are made once.

    Parameters
    ----------
    damage : fem.Function
        d, P1.
    model : DamageModel
    """

    def __init__(self, damage: fem.Function, model: DamageModel) -> None:
        self.damage, self.model = damage, model
        self.space = space = damage.function_space
        self._sums, self._found = NodalSums(space), la.vector(space.dofmap.index_map)
        msh = space.mesh
        self.density = 0.5 * ufl.sqrt(ufl.inner(ufl.grad(damage), ufl.grad(damage)))
        """Crack surface per volume [1/um]; zero in the row of broken cells."""
        self.gamma = model.surface_density(damage)
        """The same for what must also pass through broken cells."""
        dim = msh.geometry.dim
        self._pairs = [(i, j) for i in range(dim) for j in range(i, dim)]
        tensors = fem.functionspace(msh, ("DG", 0, (len(self._pairs),)))
        self._normals = fem.Function(tensors)
        v, w = ufl.TestFunction(space), ufl.TrialFunction(space)
        dx = ufl.dx
        length = model.length
        smooth = (w * v + (DIRECTION_LENGTH * length) ** 2 * ufl.inner(ufl.grad(w), ufl.grad(v))) * dx
        self._filter = self._solver_of(fem.form(smooth))
        slope = ufl.grad(damage)
        weight = damage**2  # of the crack, not of what surrounds its tip: there grad d points along the crack
        self._slopes = [fem.form(weight * slope[i] * slope[j] * v * dx) for i, j in self._pairs]
        even = (
            (CONDUCTION_LENGTH * length) ** 2 * self.gamma * ufl.inner(ufl.dot(self.across, ufl.grad(w)), ufl.grad(v))
        )
        lumped = dx(metadata=LUMPED)  # what is spread stays positive
        self._projection_form = fem.form((self.density + WEIGHT_OUTSIDE / length) * w * v * lumped + even * dx)
        self._projection: LinearSolver | None = None
        self._projection_matrix = fem_petsc.create_matrix(self._projection_form)
        self._area_form = fem.form(self.density * v * lumped)
        self._cells = self._cell_dofs()
        self.area = np.zeros(0)
        """Crack surface of each node [um, um2 in 3D], one face; ghosts included."""
        self.inside = np.zeros(0, dtype=bool)
        """Nodes of damaged cells, ghosts included."""
        self.open = np.zeros(0, dtype=bool)
        """Nodes of cells that metal can enter, ghosts included."""
        self.open_cells = fem.Function(fem.functionspace(msh, ("DG", 0)))
        """1 in cells that metal can enter, else 0."""

    @property
    def across(self) -> Expr:
        """Tensor n (x) n of the crack's normal, by cell."""
        dim = self.space.mesh.geometry.dim
        values = ufl.split(self._normals) if len(self._pairs) > 1 else (self._normals,)
        index = {pair: k for k, pair in enumerate(self._pairs)}
        return ufl.as_tensor([[values[index[(min(i, j), max(i, j))]] for j in range(dim)] for i in range(dim)])

    def _cell_dofs(self) -> Floats:
        return np.asarray(self.space.dofmap.list)

    def _solver_of(self, form: fem.Form) -> LinearSolver:
        matrix = fem_petsc.assemble_matrix(form)
        matrix.assemble()
        return LinearSolver(matrix, "direct", "projection")

    def update(self) -> None:
        """Follow the damage (collective)."""
        d = self.damage.x.array
        self.inside = self._nodes_of(self.cells_of(d > DAMAGED))
        self.area = self.assembled(self._area_form)
        self._follow_direction()
        self._projection_matrix.zeroEntries()
        fem_petsc.assemble_matrix(self._projection_matrix, self._projection_form)
        self._projection_matrix.assemble()
        if self._projection is None:
            self._projection = LinearSolver(self._projection_matrix, "direct", "projection")
        else:
            self._projection.refill()

    def _follow_direction(self) -> None:
        """Set n (x) n of every cell to the principal direction of grad d (x) grad d, averaged over l (collective).

        Of rank one exactly: a small share of the large mobility across the band would be a leak along it.
        """
        dim = self.space.mesh.geometry.dim
        means = np.stack([self.filtered(self.assembled(form)) for form in self._slopes], axis=1)
        by_cell = means[self._cells].mean(axis=1)
        tensors = np.empty((len(by_cell), dim, dim))
        for k, (i, j) in enumerate(self._pairs):
            tensors[:, i, j] = tensors[:, j, i] = by_cell[:, k]
        n = np.linalg.eigh(tensors)[1][:, :, -1]
        self._normals.x.array[:] = np.stack([n[:, i] * n[:, j] for i, j in self._pairs], axis=1).ravel()

    def open_broken(self) -> NDArray[np.bool_]:
        """Open what is broken through at the present damage to lithium (collective); returns nodes that were not open.

        The mean of d across the band is half its peak.
        """
        before = self._nodes_of(self.open_cells.x.array > 0.0)
        through = self.inside & (self.project(self.damage.x.array * self.area) >= 0.5 * BROKEN_THROUGH)
        # What was open stays open: no metal is left behind in what the spreading damage would close.
        cells = through[self._cells].all(axis=1) | (self.open_cells.x.array > 0.0)
        self.open_cells.x.array[:] = cells
        # Undamaged cells at the rim may have only nodes of damaged ones, but not so the nodes of their parts.
        self.open = self._nodes_of(cells) & self.inside
        return self.open & ~before

    def cells_of(self, nodes: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Cells of this rank with a marked node."""
        return np.asarray(nodes[self._cells].any(axis=1))

    def _nodes_of(self, cells: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Nodes of marked cells, on all ranks that see them (collective)."""
        marked = np.zeros(len(self.damage.x.array), dtype=bool)
        marked[nodes_of_cells(self.space, np.flatnonzero(cells).astype(np.int32))] = True
        return marked

    def assembled(self, form: fem.Form) -> Floats:
        """Nodal values of a linear form, ghosts included (collective)."""
        return self._sums.of(form)

    def filtered(self, amounts: Floats) -> Floats:
        """Per volume, what nodes hold, averaged over some l (collective)."""
        return self._solve(self._filter, amounts)

    def project(self, amounts: Floats) -> Floats:
        """Projection of nodal amounts onto the crack surface: per surface, uniform across the band (collective).

        X solves int |grad d|/2 X r dx + (strong conduction of X across the band) = amounts.
        """
        assert self._projection is not None
        return self._solve(self._projection, amounts)

    def destroy(self) -> None:
        """Free solvers and matrices."""
        solvers = [self._filter] if self._projection is None else [self._filter, self._projection]
        for solver in solvers:
            solver.destroy()
        for matrix in (self._filter.matrix, self._projection_matrix):
            matrix.destroy()

    def _solve(self, solver: LinearSolver, right: Floats) -> Floats:
        b, x = solver.matrix.createVecs()
        owned = self.space.dofmap.index_map.size_local
        b.setArray(right[:owned])
        solver.solve(b, x)
        self._found.array[:owned] = x.getArray(readonly=True)
        self._found.scatter_forward()
        b.destroy()
        x.destroy()
        return np.array(self._found.array)
