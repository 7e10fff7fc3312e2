"""The fictitious artists of the demo library: four per style, each with one album of two tracks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

Album = tuple[str, str, int, str, str]

DISCOGRAPHY: dict[str, tuple[Album, ...]] = {
    "Ambient": (
        ("Halden Mere", "Slow Weather", 2017, "First Light, Low Tide", "The Long Field"),
        ("Ostra Vale", "Rooms Without Clocks", 2021, "Paper Moonrise", "Quiet Machinery"),
        ("Nils Aurelin", "Northern Sleep", 2014, "Snow over the Signal House", "Drifting, Held"),
        ("Fathom & Fern", "Understory", 2019, "Moss Cathedral", "Where the River Thinks"),
    ),
    "Waltz": (
        ("Clara Venmoor", "Letters in Three", 2012, "The Glass Staircase", "Lucie's Umbrella"),
        ("Emil Castaigne-Roux", "Petites Valses", 2009, "Café des Absents", "Dimanche en Bleu"),
        ("Ines Marovar", "The Winter Garden", 2018, "Orangery", "Dust on the Keys"),
        ("Tobias Quillfeather", "Carousel Sketches", 2015, "Painted Horses", "The Last Ticket"),
    ),
    "Chiptune": (
        ("Pixel Pilgrim", "Insert Coin to Pray", 2016, "Cloud Level", "Boss with Feelings"),
        ("8-Bit Marmalade", "Save Point", 2011, "Jump Button Blues", "Secret Exit"),
        ("Kid Cartridge", "Blow on It", 2013, "Continue?", "Moon Base Picnic"),
        ("Mira Scanline", "Attract Mode", 2020, "High Score Heart", "Pause Menu Sunset"),
    ),
    "House": (
        ("Lunar Postcode", "Terrace Hours", 2019, "Good Morning, Stranger", "Blue Door"),
        ("Delphine Okoro-Lane", "Warm Current", 2022, "Hold the Room", "Saltwater Soul"),
        ("Rue Parallèle", "Cinq Heures", 2010, "Night Bus Gospel", "Vitrine"),
        ("The Velvet Commute", "Northbound", 2017, "Platform Four", "Every Light Is Green"),
    ),
    "Drum and Bass": (
        ("Kestrel Grid", "Overpass", 2015, "Concrete Swifts", "Ghost Lane"),
        ("Subtropic Unit", "Pressure Systems", 2008, "Barometer", "Warm Front"),
        ("Ada Riftwell", "Velocity Studies", 2021, "Escape Vector", "Glass Motorway"),
        ("Northgate Circuit", "After the Rain", 2018, "Sodium Lights", "Two A.M. Signal"),
    ),
    "Folk": (
        ("Wren Hollis-Beck", "Kindling", 2013, "Apple Loft", "Letter to the Ferryman"),
        ("The Tarn Sisters", "Stone Walls and Skylarks", 2016, "Harrow Gate", "Carry the Lantern"),
        ("Joss Underhay", "Ten Miles from Anywhere", 2011, "Barley Road", "Old Coat Weather"),
        ("Marit Lindqvale", "Birch & Bone", 2020, "The Heron's Daughter", "Bread and Thunder"),
    ),
    "Swing": (
        ("Duke Farraday Seven", "Late at the Alcazar", 1957, "Two-Tone Shoes", "Elevator Man"),
        ("Birdie Lamarque", "Brass Buttons", 1961, "Lipstick on the Saxophone", "Corner of Ninth"),
        ("Hollis Prew Orchestra", "Strictly After Supper", 1954, "Penny Arcade Hop", "Mister Meridian"),
        ("The Copper Street Six", "Sidewalk Sermon", 1963, "Jukebox Alibi", "Rain Check"),
    ),
    "Metal": (
        ("Iron Almanac", "Year of the Anvil", 2007, "Forge of Winter", "Ashen Covenant"),
        ("Gravemoor", "Beneath the Black Fells", 2014, "Crow Parliament", "The Drowned Bell"),
        ("Sable Leviathan", "Abyssal Engine", 2018, "Pressure Hull", "Teeth of the Tide"),
        ("Vorn Hexagon", "Sixfold", 2011, "Basalt Throne", "Storm Geometry"),
    ),
}
"""By style: (artist, album, year, first title, second title)."""


@dataclass(frozen=True)
class DemoTrack:
    """One track of the demo library; ``place`` is its number among its style's tracks, from 0."""

    style: str
    place: int
    artist: str
    album: str
    year: int
    number: int
    title: str

    @property
    def relative_path(self) -> Path:
        """``Artist/Album/NN Title.mp3``, without characters that file names cannot have."""
        return Path(_name(self.artist), _name(self.album), f"{self.number:02d} {_name(self.title)}.mp3")


def _name(text: str) -> str:
    """Text as a valid file name on any system."""
    return "".join(letter for letter in text if letter not in '<>:"/\\|?*').strip(" .")


def _tracks() -> tuple[DemoTrack, ...]:
    return tuple(
        DemoTrack(style, 2 * shelf + number, artist, album, year, number + 1, title)
        for style, albums in DISCOGRAPHY.items()
        for shelf, (artist, album, year, *titles) in enumerate(albums)
        for number, title in enumerate(titles)
    )


TRACKS: tuple[DemoTrack, ...] = _tracks()
"""All 64 tracks, style by style."""
