"""The band of a diffuse crack as seen by lithium: where it is, which way it runs, how wide it stands open.

Across the band gamma integrates to one (per crack surface), so that int gamma X r dx is a surface integral of X. Fields
that belong to the crack surface, such as the aperture, are made uniform across the band by a strong conduction in the
direction of grad d.
"""

from ..backend import dolfinx  # noqa: F401  isort: skip

import numpy as np
import ufl
from dolfinx import fem, la
from dolfinx.fem import petsc as fem_petsc
from numpy.typing import NDArray
from ufl.core.expr import Expr

from ..numerics.linear import LinearSolver
from ..numerics.nodal import nodal_sums
from ..physics.damage import DamageModel
from ..physics.lithium import LUMPED
from .state import Floats

SPREAD = 4.0
"""Length over which surface fields are evened out across the band, in l: twice its half width."""
OUTSIDE = 1.0e-9
"""Weight of "the field is zero" against gamma l: decides outside the band only."""
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
    cell_size : float
        Width of the row of broken cells [um]: gamma is divided by `model.toughness_factor`, so that the crack has the
        area of its line (or plane).
    """

    def __init__(self, damage: fem.Function, model: DamageModel, cell_size: float) -> None:
        self.damage, self.model = damage, model
        self.space = space = damage.function_space
        msh = space.mesh
        self.gamma = model.surface_density(damage) / model.toughness_factor(cell_size)
        """Crack surface per volume [1/um]."""
        dim = msh.geometry.dim
        self._pairs = [(i, j) for i in range(dim) for j in range(i, dim)]
        tensors = fem.functionspace(msh, ("Lagrange", 1, (len(self._pairs),)))
        self._normals = fem.Function(tensors)
        v, w = ufl.TestFunction(space), ufl.TrialFunction(space)
        dx = ufl.dx
        length = model.length
        smooth = (w * v + length**2 * ufl.inner(ufl.grad(w), ufl.grad(v))) * dx
        self._filter = self._solver_of(fem.form(smooth), "filter")
        slope = ufl.grad(damage)
        self._slopes = [fem.form(slope[i] * slope[j] * v * dx) for i, j in self._pairs]
        even = (SPREAD * length) ** 2 * self.gamma * ufl.inner(ufl.dot(self.across, ufl.grad(w)), ufl.grad(v))
        lumped = dx(metadata=LUMPED)  # what is spread stays positive
        self._even_form = fem.form((self.gamma + OUTSIDE / length) * w * v * lumped + even * dx)
        self._even: LinearSolver | None = None
        self._even_matrix = fem_petsc.create_matrix(self._even_form)
        self._area_form = fem.form(self.gamma * v * lumped)
        self._cells = self._cell_dofs()
        self.area = np.zeros(0)
        """Crack surface of each node [um, um2 in 3D], one face; ghosts included."""
        self.inside = np.zeros(0, dtype=bool)
        """Nodes of damaged cells, ghosts included."""
        self.open = np.zeros(0, dtype=bool)
        """Nodes of cells that metal can enter, ghosts included."""
        self.passable = fem.Function(fem.functionspace(msh, ("DG", 0)))
        """1 in cells that metal can enter, else 0."""
        excess = model.toughness_factor(cell_size) - 1.0
        self._least_mean = BROKEN_THROUGH * (model.mean_damage + excess) / (1.0 + excess)

    @property
    def across(self) -> Expr:
        """n (x) n of the crack's normal; a mixture of directions, of trace one, around its tip."""
        dim = self.space.mesh.geometry.dim
        values = ufl.split(self._normals) if len(self._pairs) > 1 else (self._normals,)
        index = {pair: k for k, pair in enumerate(self._pairs)}
        return ufl.as_tensor([[values[index[(min(i, j), max(i, j))]] for j in range(dim)] for i in range(dim)])

    def _cell_dofs(self) -> Floats:
        return np.asarray(self.space.dofmap.list)

    def _solver_of(self, form: fem.Form, name: str) -> LinearSolver:
        matrix = fem_petsc.assemble_matrix(form)
        matrix.assemble()
        return LinearSolver(matrix, "direct", name)

    def update(self) -> None:
        """Follow the damage (collective)."""
        d = self.damage.x.array
        self.inside = self._nodes_of(d[self._cells].max(axis=1) > DAMAGED)
        self.area = self.assembled(self._area_form)
        components = np.stack([self._solve(self._filter, self.assembled(form)) for form in self._slopes], axis=1)
        trace = sum(components[:, k] for k, (i, j) in enumerate(self._pairs) if i == j)
        self._normals.x.array[:] = (components / np.maximum(trace, 1.0e-14)[:, None]).ravel()
        self._normals.x.array[:] = np.where(np.repeat(trace, len(self._pairs)) > 1.0e-12, self._normals.x.array, 0.0)
        self._even_matrix.zeroEntries()
        fem_petsc.assemble_matrix(self._even_matrix, self._even_form)
        self._even_matrix.assemble()
        if self._even is None:
            self._even = LinearSolver(self._even_matrix, "direct", "even")
        else:
            self._even.refill()

    def admit(self) -> None:
        """Let metal into what is broken through at the present damage (collective)."""
        through = self.inside & (self.surface_field(self.damage.x.array * self.area) >= self._least_mean)
        cells = through[self._cells].all(axis=1)
        self.passable.x.array[:] = cells
        self.open = self._nodes_of(cells)

    def _nodes_of(self, cells: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Nodes of marked cells, on all ranks that see them (collective)."""
        marked = la.vector(self.space.dofmap.index_map)
        marked.array[np.unique(self._cells[cells])] = 1.0
        marked.scatter_reverse(la.InsertMode.add)
        marked.scatter_forward()
        return np.asarray(marked.array > 0.0)

    def assembled(self, form: fem.Form) -> Floats:
        """Nodal values of a linear form, ghosts included (collective)."""
        return nodal_sums(form, self.space)

    def surface_field(self, amounts: Floats) -> Floats:
        """Per crack surface, what nodes hold (collective): X with int gamma X r dx = amounts, even across the band."""
        assert self._even is not None
        return self._solve(self._even, amounts)

    def _solve(self, solver: LinearSolver, right: Floats) -> Floats:
        b, x = solver.matrix.createVecs()
        owned = self.space.dofmap.index_map.size_local
        b.setArray(right[:owned])
        solver.solve(b, x)
        vector = la.vector(self.space.dofmap.index_map)
        vector.array[:owned] = x.getArray(readonly=True)
        vector.scatter_forward()
        b.destroy()
        x.destroy()
        return np.asarray(vector.array)
