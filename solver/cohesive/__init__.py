"""The cohesive engine: a plane crack whose faces are held together by tractions until they are apart."""
