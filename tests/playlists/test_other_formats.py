"""Playlists that other programs write, in formats other than M3U."""

from __future__ import annotations

import time

import pytest

from segue.playlists.entries import Entry, NotPlaylist, path_parts
from segue.playlists.m3u import read_playlist
from segue.playlists.playlists import MOST_TRACKS

SONG = Entry(title="Jóga & Co", artist="Björk", seconds=305.0, location="")

PLS = """[playlist]
NumberOfEntries=2
File2=b.mp3
Title2=B
Length2=-1
File1=C:\\Music\\Björk\\01 Jóga.mp3
Title1=Björk - Jóga & Co
Length1=305
Version=2
"""
XSPF = """<?xml version="1.0" encoding="{encoding}"?>
<playlist version="1" xmlns="http://xspf.org/ns/0/"><title>Mine</title><!-- <track> -->
<trackList><track>
<location>file:///C:/Music/Bj%C3%B6rk/J%C3%B3ga.mp3</location>
<creator>Björk</creator><title>Jóga &amp; Co</title><album>Homogenic</album><duration>305000</duration>
</track><track><location>../Other/b%20c.mp3</location></track></trackList></playlist>"""
WPL = """<?wpl version="1.0"?><smil><head><meta name="Generator" content="x"/><title>Mine</title></head>
<body><seq><media src="..\\Björk\\Jóga.mp3" cid="{1}"/>
<media src="..\\A &amp; B\\c.wma"/></seq></body></smil>"""
ZPL = """<?zpl version="2.0"?><smil><head><title>Mine</title></head><body><seq>
<media src="C:\\x\\1.mp3" albumTitle="Homogenic" albumArtist="Various" trackTitle="Jóga &amp; Co"
 trackArtist="Björk" duration="305000" serviceId="{1}" /></seq></body></smil>"""
ASX = """<ASX version = "3.0"><Title>Mine</Title>
<ENTRY><TITLE>Jóga & Co</TITLE><AUTHOR>Björk</AUTHOR><Duration value="00:05:05.0"/>
<REF HREF="file://C:\\Music\\Jóga.wma" /></ENTRY>
<entry><ref href = 'b.wma'/></entry></ASX>"""
B4S = """<?xml version="1.0" encoding='UTF-8'?><WinampXML><playlist num_entries="1" label="Mine">
<entry Playstring="file:C:\\Music\\Jóga.mp3"><Name>Björk - Jóga &amp; Co</Name><Length>305000</Length></entry>
</playlist></WinampXML>"""
JSPF = """{"playlist": {"title": "Mine", "track": [
{"title": "Jóga & Co", "creator": "Björk", "duration": 305000, "location": ["a.mp3"]}, {"album": 1}, 3]}}"""
ITUNES = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple Computer//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0"><dict><key>Major Version</key><integer>1</integer>
<key>Tracks</key><dict>
<key>7</key><dict><key>Track ID</key><integer>7</integer><key>Name</key><string>Second</string>
<key>Location</key><string>file://localhost/C:/b.mp3</string></dict>
<key>9</key><dict><key>Track ID</key><integer>9</integer><key>Name</key><string>Jóga &#38; Co</string>
<key>Artist</key><string>Björk</string><key>Total Time</key><integer>305000</integer></dict>
</dict><key>Playlists</key><array><dict><key>Name</key><string>Mine</string>
<key>Playlist Items</key><array><dict><key>Track ID</key><integer>9</integer></dict>
<dict><key>Track ID</key><integer>7</integer></dict></array></dict></array></dict></plist>"""


@pytest.mark.parametrize("text", [PLS, XSPF.format(encoding="utf-8"), ZPL, ASX, B4S, JSPF, ITUNES])
def test_a_song_with_its_facts(text: str) -> None:
    found = read_playlist(text.encode())
    first = found.entries[0]
    assert (first.title, first.artist, first.seconds, first.described) == ("Jóga & Co", "Björk", 305.0, True)
    assert found.name == (None if text == PLS else "Mine" if text != B4S else None)


@pytest.mark.parametrize(
    ("text", "places"),
    [
        (PLS, [("Music", "Björk", "01 Jóga.mp3"), ("b.mp3",)]),
        (XSPF.format(encoding="utf-8"), [("Music", "Björk", "Jóga.mp3"), ("Other", "b c.mp3")]),
        (WPL, [("Björk", "Jóga.mp3"), ("A & B", "c.wma")]),
        (ASX, [("Music", "Jóga.wma"), ("b.wma",)]),
        (B4S, [("Music", "Jóga.mp3")]),
    ],
)
def test_the_files_that_songs_name(text: str, places: list[tuple[str, ...]]) -> None:
    assert [path_parts(entry.location) for entry in read_playlist(text.encode()).entries] == places


@pytest.mark.parametrize("text", [PLS, ASX, WPL])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_encodings_and_line_ends(text: str, encoding: str) -> None:
    data = text.replace("\n", "\r\n").encode(encoding)
    assert read_playlist(data).entries == read_playlist(text.encode()).entries


def test_the_encoding_that_xml_states() -> None:
    data = XSPF.format(encoding="windows-1252").encode("cp1252")
    assert read_playlist(data).entries[0].artist == "Björk"


@pytest.mark.parametrize(
    ("location", "parts"),
    [
        ("My%20Songs/Bj%C3%B6rk.mp3", ("My Songs", "Björk.mp3")),
        ("file:/home/ada/Music/A%20B.mp3", ("home", "ada", "Music", "A B.mp3")),
        ("file://nas/music/a.mp3", ("nas", "music", "a.mp3")),
        ("file:///D:/Bj%F6rk.mp3", ("Björk.mp3",)),
        ("100% pure.mp3", ("100% pure.mp3",)),
        ("\\\\nas\\music\\a.mp3", ("nas", "music", "a.mp3")),
    ],
)
def test_places(location: str, parts: tuple[str, ...]) -> None:
    assert path_parts(location) == parts


@pytest.mark.parametrize(
    "data",
    [
        b"[playlist]\nNumberOfEntries=0\n",
        b"<asx></asx>",
        b"<html><title>Not found</title></html>",
        b'{"playlist": {"track": []}}',
        b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><playlist><title>&b;</title></playlist>',
    ],
)
def test_a_file_without_songs_is_none(data: bytes) -> None:
    with pytest.raises(NotPlaylist):
        read_playlist(data)


@pytest.mark.parametrize(
    "data",
    [
        b'{"playlist": {"title": "A\\ud800", "track": ['
        b'{"title": "B\\udc00", "creator": "\\ud800", "location": "\\ud800.mp3"}]}}',
        b"#EXTENC: utf-7\n#PLAYLIST:A+2AA-\n#EXTINF:1,+2AA- - B+2AA-\n+2AA-.mp3\n",
    ],
    ids=["jspf", "utf-7"],
)
def test_halves_of_characters_are_replaced(data: bytes) -> None:
    """No database takes them, and no page can show them."""
    listed = read_playlist(data)
    (song,) = listed.entries
    assert (listed.name, song.location) == ("A\ufffd", "\ufffd.mp3")
    assert (song.title, song.artist) == ("B\ufffd", "\ufffd")


@pytest.mark.parametrize(
    "piece", ["<![CDATA[", "<!--", '<a b="', "<a b='", "<track ", "<", "&amp;", "[", "{"]
)
def test_hostile_files_take_no_time(piece: str) -> None:
    data = ("<x>" + piece * (1_000_000 // len(piece))).encode()
    began = time.process_time()
    with pytest.raises(NotPlaylist):
        read_playlist(data)
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    ("head", "piece", "each"),
    [
        (b"#EXTM3U\n", b"#\n", 8),
        (b"#EXTINF:1,\n", b"#a comment\n", 8),
        (b"[playlist]\n", b"File1=\n", 8),
        (b"<x>", b"<ref>", 30),
        (b"<plist>", b"<key>", 30),
    ],
)
def test_a_file_has_a_limited_number_of_lines_and_tags(head: bytes, piece: bytes, each: int) -> None:
    """Each takes some time, however short it is: a megabyte of tags took most of a second."""
    with pytest.raises(NotPlaylist, match="more lines"):
        read_playlist(head + piece * each * MOST_TRACKS + piece)


@pytest.mark.parametrize(
    "song",
    [
        b"#EXTINF:1,A - B\n#EXTGRP:c\n#EXTALB:d\n#EXTART:e\n#EXTGENRE:f\n#EXTIMG:g\na.mp3\n",
        b"#EXTINF:1,A - B\n#EXTIMG:front cover.jpg\n#1 hit.mp3\n",
        b"<track><title>B</title><creator>A</creator></track>",
        b"<dict><key>Track ID</key><integer>%d</integer><key>Name</key><string>B</string>"
        b"<key>Artist</key><string>A</string></dict>",
        b"<media src='a' trackTitle='B' trackArtist='A'/>",
    ],
)
def test_the_longest_playlists_of_programs_are_read(song: bytes) -> None:
    begin = b"<plist>" if b"<dict>" in song else b"<x>" if song.startswith(b"<") else b"#EXTM3U\n"
    songs = (song % number if b"%d" in song else song for number in range(MOST_TRACKS))
    entries = read_playlist(begin + b"".join(songs)).entries
    assert len(entries) == MOST_TRACKS
    assert {(entry.artist, entry.title) for entry in entries} == {("A", "B")}


def test_the_text_of_an_element_is_shown_as_it_is_written() -> None:
    text = "<x><TRACK><xspf:title>A <  B &lt; C</xspf:title><note><title>not</title></note><creator/></TRACK>"
    [song] = read_playlist(text.encode()).entries
    assert (song.title, song.artist) == ("A < B < C", None)


@pytest.mark.parametrize(
    "table",
    [
        'Name\tArtist\tComposer\tAlbum\tTime\r\nTwelve 12" Inches\tAda\t\tOne\t200\r\n\r\n'.encode("utf-16"),
        'Name\tInterpret\tAlbum\tDauer\rTwelve 12" Inches\tAda\tOne\t3:20'.encode("utf-16"),
        b'Track URI,Track Name,Artist Name(s),Duration (ms)\nx:1,"Twelve 12"" Inches",Ada,200000\n',
        b'\xef\xbb\xbf"title";"artist";"length"\n"Twelve 12"" Inches";Ada;200\n;;\n',
    ],
)
def test_tables(table: bytes) -> None:
    [song] = read_playlist(table).entries
    assert (song.title, song.artist, song.seconds) == ('Twelve 12" Inches', "Ada", 200.0)


def test_a_list_of_files_is_no_table() -> None:
    [song] = read_playlist(b"Title, Artist.mp3\n").entries
    assert song.title == "Title, Artist"


TRAKTOR = """<?xml version="1.0" encoding="UTF-8"?><NML VERSION="19"><COLLECTION ENTRIES="2">
<ENTRY TITLE="Jóga &amp; Co" ARTIST="Björk"><LOCATION DIR="/:Users/:x/:" FILE="a.mp3" VOLUME="Mac"></LOCATION>
<INFO PLAYTIME="305"></INFO></ENTRY>
<ENTRY TITLE="Other" ARTIST="Ben"><LOCATION DIR="/:m/:" FILE="b.mp3" VOLUME="Mac"/></ENTRY></COLLECTION>
<PLAYLISTS><NODE TYPE="FOLDER" NAME="$ROOT"><NODE TYPE="PLAYLIST" NAME="Mine"><PLAYLIST ENTRIES="1">
<ENTRY><PRIMARYKEY TYPE="TRACK" KEY="Mac/:Users/:x/:a.mp3"></PRIMARYKEY></ENTRY></PLAYLIST></NODE></NODE>
</PLAYLISTS></NML>"""
REKORDBOX = """<?xml version="1.0" encoding="UTF-8"?><DJ_PLAYLISTS Version="1.0.0"><COLLECTION Entries="2">
<TRACK TrackID="1" Name="Other" Artist="Ben" TotalTime="9" Location="file://localhost/C:/b.mp3"/>
<TRACK TrackID="2" Name="Jóga &amp; Co" Artist="Björk" TotalTime="305" Location="file://localhost/C:/a.mp3"/>
</COLLECTION><PLAYLISTS><NODE Type="0" Name="ROOT"><NODE Name="Mine" Type="1" Entries="1"><TRACK Key="2"/>
</NODE></NODE></PLAYLISTS></DJ_PLAYLISTS>"""
SPOTIFY = """{"playlists": [{"name": "Mine", "items": [{"track": {"trackName": "Jóga & Co",
"artistName": "Björk", "albumName": "Homogenic"}}, {"track": null}]}]}"""
DEEZER = """{"title": "Mine", "tracks": {"data": [{"title": "Jóga & Co", "duration": 305,
"artist": {"name": "Björk"}}]}}"""
AIMP = "#-----SUMMARY-----#\nName=Mine\n#-----CONTENT-----#\n-C:\\M\nC:\\M\\a.mp3|Jóga & Co|Björk|x|y\n"


@pytest.mark.parametrize("text", [TRAKTOR, REKORDBOX, SPOTIFY, DEEZER, AIMP])
def test_lists_of_further_programs(text: str) -> None:
    found = read_playlist(text.encode())
    (entry,) = found.entries
    assert (found.name, entry.title, entry.artist) == ("Mine", "Jóga & Co", "Björk")
    assert read_playlist(text.replace("UTF-8", "UTF-16").encode("utf-16")).entries == found.entries


def test_a_list_of_rhythmbox_and_one_of_youtube_music() -> None:
    text = '<?xml version="1.0"?><rhythmdb-playlists><playlist name="Old"><location>file:///o.mp3</location></playlist>'
    text += (
        '<playlist name="Mine" type="static"><location>file:///x/A%20B/01%20Song.mp3</location></playlist>'
    )
    found = read_playlist(f"{text}</rhythmdb-playlists>".encode())
    assert (found.name, [entry.title for entry in found.entries]) == ("Mine", ["Song"])
    table = "Video ID,Song Title,Album Title,Artist Name 1,Artist Name 2\nx,Jóga,Homogenic,Björk,\n"
    assert [(e.title, e.artist) for e in read_playlist(table.encode()).entries] == [("Jóga", "Björk")]


def test_the_artist_in_a_line_of_its_own() -> None:
    text = "#EXTM3U\n#EXTINF:200,Jóga\n#EXTART:Björk\n#EXTALB:Homogenic\na.mp3\n#EXTINF:100,B\nb.mp3\n"
    assert [(e.title, e.artist) for e in read_playlist(text.encode()).entries] == [
        ("Jóga", "Björk"),
        ("B", None),
    ]


def test_binary_data_without_nul_are_no_playlist() -> None:
    with pytest.raises(NotPlaylist):
        read_playlist(b"bplist00\xd1\x01\x02\x03")
