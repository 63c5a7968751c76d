"""Capacities that a run tells: the charge per area at which something first happened."""

CAPACITIES = {
    "capacity_at_fracture": "fracture",
    "capacity_at_crack_through": "crack_through",
    "capacity_at_short": "short_circuit",
    "capacity_at_contact_loss": "contact_lost",
}
"""Events by the names of the capacities at which they first happen."""
