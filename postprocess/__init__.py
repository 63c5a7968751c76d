"""Reading and drawing of run, study and sweep folders; imports without DOLFINx."""
