"""Other music servers whose songs are tracks of the catalogue: they speak OpenSubsonic."""
