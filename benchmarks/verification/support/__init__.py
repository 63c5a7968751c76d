"""Runner, tables, bodies and figures that checks share."""
