"""What the solvers are told: frozen values in internal units (um, s, MPa, V, A/m2, K), evaluated at temperature.

`lifrac.problems` resolves a case file and its material cards into these; nothing here knows about files.
"""

from dataclasses import dataclass, field
from typing import Literal

from lifrac.meshes.grains import Grains

from .constants import LITHIUM_MOLAR_VOLUME, surface_velocity_per_current


@dataclass(frozen=True)
class Electrolyte:
    """Solid electrolyte: a single-ion conductor that is linear elastic and brittle."""

    conductivity: float
    """kappa [A/m2 per V/um] = 1e6 kappa [S/m]."""
    youngs_modulus: float
    """E [MPa]."""
    poisson_ratio: float
    fracture_energy: float
    """Gc [J/m2 = MPa um]."""

    @property
    def plane_strain_modulus(self) -> float:
        """E' = E/(1 - nu^2) [MPa]."""
        return self.youngs_modulus / (1.0 - self.poisson_ratio**2)

    @property
    def fracture_toughness(self) -> float:
        """K_Ic = sqrt(E' Gc) [MPa um^0.5] (1 MPa m^0.5 = 1000 MPa um^0.5)."""
        return float((self.plane_strain_modulus * self.fracture_energy) ** 0.5)


@dataclass(frozen=True)
class Kinetics:
    """Butler-Volmer kinetics of one Li | electrolyte interface, with a series film."""

    exchange_current: float
    """i0 at temperature [A/m2]."""
    temperature: float
    """[K]."""
    alpha_a: float = 0.5
    alpha_c: float = 0.5
    film_resistance: float = 0.0
    """Series film resistance [V m2/A]."""
    contact_fraction: float = 1.0
    """theta: the current through a face of nominal density j is j/theta where metal touches."""
    spot_radius: float = 0.0
    """Radius a_s [um] of the spots in which a face touches (`physics.constriction`); 0: no constriction."""
    molar_volume: float = LITHIUM_MOLAR_VOLUME


@dataclass(frozen=True)
class Creep:
    """Flow of lithium in a slot: Norton creep eps = A sigma^n, in parallel with an optional linear mechanism."""

    prefactor: float
    """A(T) [1/s/MPa^n], uniaxial von Mises convention."""
    exponent: float
    """n."""
    linear_viscosity: float | None = None
    """eta_1(T) [MPa s] of the linear (diffusional) mechanism; None switches it off."""
    stress_cap: float | None = None
    """Wall shear stress [MPa] above which the Norton rate grows only linearly; None: no cap."""
    size_length: float = 0.0
    """w_c [um] of the size effect: the rate is divided by (1 + w_c/w)^k."""
    size_exponent: float = 0.0
    """k of the size effect; 0 switches it off."""
    fixed_aperture: bool = False
    """Flow through the initial aperture w0 only (verification of slots of fixed aperture)."""


@dataclass(frozen=True)
class ContactLaw:
    """How an electrode face touches, loses and recovers contact (`physics.contact`), at temperature."""

    void_height: float
    """h* [um]: thickness of metal whose removal opens the whole face."""
    reference_current: float
    """J_ref: critical stripping current density [A/m2] at `reference_pressure`; 0: Norton creep alone."""
    reference_pressure: float = 1.0
    """P_ref [MPa]."""
    pressure_exponent: float = 1.0
    """mu: J_c ~ P^mu of the linear (diffusional) mechanism; measured 0.8 to 1.9."""
    norton_prefactor: float = 0.0
    """A(T) [1/s/MPa^n] of Norton creep that closes voids in parallel; 0: none."""
    norton_exponent: float = 6.56
    """n."""
    unrecoverable: float = 0.0
    """Share of lost contact that neither creep nor plating brings back, 0..1."""
    minimum: float = 0.05
    """Mean contact of a face, as a share of its static contact, below which contact counts as lost."""
    molar_volume: float = LITHIUM_MOLAR_VOLUME
    full_contact_pressure: float = 0.0
    """P_full [MPa]: pressure that presses a face whole; 0: whole at any pressure."""
    static_exponent: float = 0.5
    """q: below P_full a pressed face touches to the part (P/P_full)^q."""
    largest_pressure: float = 0.0
    """Largest pressure the faces have seen [MPa], at assembly; below the stack pressure it means nothing."""
    retention: float = 0.0
    """Share of the static contact gained at the largest pressure that stays at a lower one, 0..1."""

    def static_contact(self, pressure: float) -> float:
        """theta_s = theta_e(P) + retention [theta_e(P_max) - theta_e(P)], theta_e(P) = min(1, (P/P_full)^q)."""
        pressed = self._pressed(pressure)
        return pressed + self.retention * (self._pressed(max(self.largest_pressure, pressure)) - pressed)

    def _pressed(self, pressure: float) -> float:
        """theta_e(P)."""
        if pressure >= self.full_contact_pressure:
            return 1.0
        return float((pressure / self.full_contact_pressure) ** self.static_exponent)

    def critical_current(self, pressure: float) -> float:
        """J_c(P) = J_ref (P/P_ref)^mu + (F h*/Omega) (A/2) (3P/(2n))^n [A/m2].

        The second term is the rate at which a spherical void closes in a Norton solid (exact), so a pure Norton law
        gives the exponent n.
        """
        n = self.norton_exponent
        closing = 0.5 * self.norton_prefactor * (1.5 * pressure / n) ** n
        linear = self.reference_current * (pressure / self.reference_pressure) ** self.pressure_exponent
        return float(linear + closing * self.void_height / surface_velocity_per_current(self.molar_volume))


CUT_OFF = 1.0e-3
"""Lithium thinner than this part of the aperture is cut off from the anode and plates no more."""


@dataclass(frozen=True)
class Flaw:
    """A planar flaw in the crack plane, open at the anode face."""

    length: float
    """a0 [um]."""
    aperture: float
    """w0 [um], the gap between the unloaded faces."""
    filling: float = 1.0
    """Part of the initial aperture that holds lithium, 0..1."""
    mouth: Literal["open", "closed"] = "open"
    """`open`: lithium at the mouth is at stack pressure and may be extruded; `closed`: nothing leaves."""
    residual: float = 0.0
    """Part of the aperture whose lithium stripping leaves behind, still connected to the anode, 0..1."""


@dataclass(frozen=True)
class Loads:
    """Mechanical loading and lateral conditions."""

    stack_pressure: float = 0.0
    """P [MPa], on the anode face."""
    lateral: Literal["roller", "free"] = "free"
    lateral_stress: float = 0.0
    """Normal stress [MPa, tension positive] on a free lateral face."""


@dataclass(frozen=True)
class Cohesion:
    """Regularisation of Griffith's criterion on the crack plane."""

    strength: float | None = None
    """Cohesive strength [MPa]; None: chosen from the mesh and flaw so that the process zone spans enough cells."""
    viscosity: float | None = None
    """Viscous traction per opening rate in the process zone [MPa s/um], which slows snap-through; None: 1 % of the
    toughness at the crack speed that the current can feed."""


@dataclass(frozen=True)
class AssistedCracking:
    """Toughness that falls with the plating current at the front of the metal (`physics.toughness`)."""

    current_density: float
    """j_c [A/m2], at which half of what can be lost of Gc is lost; not published, an assumption."""
    residual_fraction: float = 0.06
    """r = Gc_eff/Gc at high current, (K ratio 0.25)^2."""
    exponent: float = 2.0
    """m; not published, an assumption."""


@dataclass(frozen=True)
class ProtocolStep:
    """One step of a protocol; it ends at the first of its limits."""

    kind: Literal["constant_current", "rest"]
    current_density: float = 0.0
    """[A/m2], positive plates at the anode."""
    capacity: float | None = None
    """Charge passed within this step [C/m2], positive."""
    duration: float | None = None
    """[s]."""
    voltage_limit: float | None = None
    """|cell voltage| [V] at which this step ends, and the next begins."""
    cycle: int = 0
    """Which cycle of the protocol it belongs to, counted from 1 through the whole protocol; 0: none."""
    level: int = 0
    """Which level of a ramp, counted from 1; 0: none."""

    @property
    def planned_charge(self) -> float:
        """Charge that it passes [C/m2], positive, unless something ends it early."""
        by_time = abs(self.current_density) * self.duration if self.duration is not None else None
        return min((v for v in (self.capacity, by_time) if v is not None), default=0.0)


@dataclass(frozen=True)
class StopRules:
    """When a run ends besides the end of its protocol."""

    voltage_limit: float | None = None
    """|cell voltage| [V]."""
    at_fracture: bool = False
    at_crack_through: bool = False
    """Stop there; by default a run goes on to the short circuit."""
    voltage_drop: float | None = None
    """Share of its value at the start of a step by which |cell voltage| falls when the cell counts as shorted."""
    time_limit: float | None = None
    """[s]."""
    at_contact_lost: bool = True
    """Whether contact lost ends the run; otherwise it ends the step."""


@dataclass(frozen=True)
class StepControl:
    """Adaptive implicit time steps."""

    first_step: float | None = None
    """[s]; None: derived from the protocol."""
    max_step: float | None = None
    """[s]; None: a fraction of the protocol."""
    max_advance_cells: float = 1.0
    """Crack advance per step, in cells of the crack path."""
    newton_tolerance: float = 1.0e-10
    max_newton: int = 30
    max_steps: int = 20000
    max_rejections: int = 25


@dataclass(frozen=True)
class DiffuseCrack:
    """Regularisation of Griffith's criterion by a damage field."""

    length: float
    """Internal length l [um]."""
    cell_size: float
    """Edge h of the cells where the crack can go [um]; at most l/3."""
    damage_model: Literal["AT1", "AT2"] = "AT1"
    split: Literal["none", "volumetric_deviatoric", "star_convex", "spectral"] = "none"
    """Which part of the elastic energy damage takes away."""
    star_ratio: float = 5.0
    """r of the star-convex split [-]."""
    correct_toughness: bool = True
    """Divide Gc by its excess on the mesh, 1 + 3h/8l (AT1) or 1 + h/2l (AT2)."""


@dataclass(frozen=True)
class GrainBoundaries:
    """A polycrystal: grains alike, and bands of other properties about their boundaries."""

    grains: Grains
    """Which grain a point lies in, and how far it is from a boundary."""
    width: float
    """Of the band [um], half on each side of a boundary."""
    toughness_ratio: float = 1.0
    """What a crack along a boundary costs over what one in a grain does [-]."""
    resistance: float = 0.0
    """Of a boundary, besides that of the grain in its place [V m2/A]."""


@dataclass(frozen=True)
class CellModel:
    """Everything the engines need besides the mesh and their own way of fracture."""

    electrolyte: Electrolyte
    anode: Kinetics
    counter: Kinetics
    creep: Creep
    flaw: Flaw
    loads: Loads = field(default_factory=Loads)
    protocol: tuple[ProtocolStep, ...] = ()
    stop: StopRules = field(default_factory=StopRules)
    control: StepControl = field(default_factory=StepControl)
    contact: ContactLaw | None = None
    """None: faces keep their contact fraction."""
    assisted: AssistedCracking | None = None
    """None: the toughness does not depend on the current."""


@dataclass(frozen=True)
class PlaneModel(CellModel):
    """Everything the plane engine needs besides the mesh."""

    cohesion: Cohesion = field(default_factory=Cohesion)


@dataclass(frozen=True)
class PhaseFieldModel(CellModel):
    """Everything the phase-field engine needs besides the mesh."""

    diffuse: DiffuseCrack = field(kw_only=True)
    boundaries: GrainBoundaries | None = None
    """None: one crystal."""
    adaptive: bool = False
    """Refine the mesh where cracks are and go, during the run."""
