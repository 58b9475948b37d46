"""The seam to moto: everything that touches its insides, one small file per service."""
