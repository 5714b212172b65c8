"""Test-side values: no name, street word, town or company of these is ever shown to what is measured.

GIVEN["uk"][0] -> "Tamsin"    held_out_words() -> all of them, case-folded, for the build side to leave out
"""

from __future__ import annotations

import functools
import re
from pathlib import Path

GIVEN = {
    "us": "Thaddeus Loretta Dorinda Keisha Marisol Glenn Ezekiel Ruthanne Cornelius Henrietta Darnell Lucinda Waldo Ashanti "
    "Montgomery Imogen Hollis Quentin Delphine Cletus Lamont Trudy Carmela Jaylene Tori Philippa Deshawn Aiden Rosalind "
    "Norbert Gwendolyn Ignatius Bartholomew Shanice Zebulon Farrah Jamarion Latonya Aurelio Peggy Tyrone Myrtle Otis Dwayne "
    "Brandi Kendrick Rochelle Alonzo Bernadette Clifton Roscoe Yolanda Travis Wilhelmina Percy Maybelle Rashad Tamika",
    "uk": "Siobhan Garfield Iain Olumide Beatrix Davinder Kyle Alistair Bronwen Glenys Tamsin Araminta Oonagh Chantelle Nkechi "
    "Rupert Fenella Hamish Morag Rhys Cerys Lowri Callum Poppy Jemima Barnaby Cressida Piers Verity Tarquin Gethin Eilidh",
    "world": "Caoimhe Noreen Nkosazana Wiremu Hinemoa Fergal Svetlana Gurpreet Annegret Joost Inaki Thiago Yevgenia Urs Jorg "
    "Ofelia Chandrakant Refugio Sowmya Etienne Maricel Oluwaseun Donnacha Basil Xochitl Ludivine Solene Lachie Prabhakar "
    "Ingalill Torbjorn Elsa Oskar Vasantha Raghunath Zeynep Emre Agnieszka Zbigniew Katarzyna Bohumil Ludmila Ferenc Ilona "
    "Radu Ileana Dragan Mirjana Kestutis Aiste Toomas Maarja Sanna Jukka Mette Rasmus Ragnhild Yusuke Chihiro Soo-jin Hyun-woo "
    "Wei-ling Jun-jie Fatoumata Ousmane Makena Tendai Chipo Farida Nasrin Rashid Lubna Avraham Tzipora Ioana Vitaly Ulyana",
}
LAST = {
    "us": "Brankovich Weathersby Dunmore Thornbury Echeverria Applewhite Castellanos Vandersloot Aldershaw Toussaint Farrow "
    "Fennimore Leach Stroud Brandywine Sallow Malakhova Abernathy Yarborough Beasley Quintanilla Lachance Dinardo Castleberry "
    "Kettering Featherstone Ledbetter Nyquist Pruitt Vankirk Tibbs Zambrano Stonecipher Gillespie Hathcock Culpepper Yoder "
    "Stoltzfus Boudreaux Thibodeaux Arceneaux Winnemucca Tallchief Hardaway Mayweather Broadnax Satterfield Killebrew Ochoa",
    "uk": "Ogunbanjo Tranter Pennycook Fasanya Cholmondeley Bhatt Rushbrooke Wetherby Ludlow Birtwhistle Entwistle Polkinghorne "
    "Goole Fitzwilliam Obiora Ormerod Heptonstall Ramsbottom Featherstonehaugh Threlkeld Postlethwaite Auchterlonie Urquhart "
    "Llewellyn Gwynedd Trevithick Penhaligon Snodgrass Blenkinsop Shuttleworth Winterbottom Arkwright Hebblethwaite",
    "world": "Mthembu Tautahi Chernova Petershagen Thibault Garnier Goikoetxea Lasa Vasconcelos Krawiec Zurbriggen Wachtmeister "
    "Bhosale Talamantes Ranganathan Dimaculangan Adebanjo Okonjo Kaltenbrunn Harms Kerguelen Shimizu Haneda Deshmukh Lindahl "
    "Lindqvist Rautiainen Krishnaswamy Sidhu Yildirim Kaya Ozdemir Wojciechowska Szczepanski Dvorakova Novotny Szabolcs "
    "Ionescu Dragomir Jovanovic Stojanovski Kazlauskas Tamm Virtanen Nieminen Thorsteinsson Kjeldsen Halvorsen Moriyama "
    "Hashiguchi Baek Namkung Ruan Ouyang Diallo Traore Kipkoech Wambui Chikwanha Moyo Hashemi Golzar Barzilai Shapira Lysenko "
    "Vandermeulen Claessens Ribeiro Figueiredo Bevilacqua Pellegrino Santangelo Etxeberria Zubizarreta Hofstetter Obermaier",
}
PARTICLES = ("van der", "de la", "Mac", "bin", "von", "del", "O'", "Ní", "ter", "dos")
STREET_WORDS = [
    "Pinyon Bluff",
    "Ropery",
    "Kookaburra",
    "Gallows Hill",
    "Marchmont",
    "Wattle",
    "Coldharbour",
    "Glacier Spur",
    "Old Stagecoach",
    "Wickersley",
    "Banksia",
    "Juniperus",
    "Salter",
    "Dampier",
    "Kernick",
    "Saltbox",
    "Cobblers",
    "Thistledown",
    "Peregrine",
    "Larkspur",
    "Bluebonnet",
    "Catalpa",
    "Persimmon",
    "Copperhead",
    "Buckthorn",
    "Hawthorne",
    "Ferndale",
    "Inkerman",
    "Balaclava",
    "Sebastopol",
    "Corporation",
    "Gasworks",
    "Ropewalk",
    "Paddock",
    "Teasel",
    "Bramling",
    "Mesquite",
    "Ocotillo",
    "Palo Verde",
    "Cutler",
    "Drovers",
    "Tamarack",
    "Huckleberry",
    "Wisteria",
    "Heron Point",
    "Osprey",
    "Quail Covey",
    "Sagebrush",
]
CITIES = {
    "us": [
        "Farmington, NM 87401",
        "Cranford, NJ 07016",
        "Coeur d'Alene, ID 83816",
        "Palmer, AK 99645",
        "Ruidoso, NM 88345",
        "Duluth, MN 55802",
        "Amarillo, TX 79101",
        "Kokomo, IN 46901",
        "Paducah, KY 42001",
        "Walla Walla, WA 99362",
        "Opelousas, LA 70570",
        "Sheboygan, WI 53081",
        "Poughkeepsie, New York 12601",
        "Ypsilanti, Michigan 48197",
        "Winnemucca, Nevada 89445",
        "Tuscaloosa AL 35401",
    ],
    "uk": [
        "Whitby YO21 3RT",
        "Edinburgh EH9 1HJ",
        "Luton LU1 2PT",
        "Penryn TR10 9EW",
        "Thirsk YO7 4AB",
        "Burnley BB11 2QH",
        "Leith, EH6 7JX",
        "Aberystwyth SY23 2AB",
        "Stornoway HS1 2XY",
        "Kidderminster, DY10 1QT",
        "Scunthorpe, DN15 6NL",
        "Llanelli SA15 3BG",
    ],
    "au": [
        "Mawson Lakes SA 5095",
        "Toowoomba QLD 4350",
        "Karratha WA 6714",
        "Yamba NSW 2464",
        "Wagga Wagga NSW 2650",
        "Bunbury, WA 6230",
    ],
}
WORLD_ADDRESSES = [
    "{n} rue des Tanneurs, 69005 Lyon",
    "Lindenallee {n}, 04277 Leipzig",
    "Calle Ferrería {n}, 3º izq, 33402 Avilés",
    "Prinsenkade {n}-2, 3011 AB Rotterdam",
    "Via dei Calzaioli {n}, 50122 Firenze",
    "ul. Piwna {n}/7, 80-831 Gdańsk",
    "Rua do Almada {n}, 4050-036 Porto",
    "Storgatan {n} B, 903 26 Umeå",
    "Torvegade {n}, 2. th, 6700 Esbjerg",
    "Hämeenkatu {n} A 12, 33100 Tampere",
    "Kossuth utca {n}, 6720 Szeged",
    "Strada Lipscani {n}, Brașov 500030",
    "İnönü Caddesi No: {n}, Eskişehir",
    "Flat {n}, Shanti Heights, Baner Road, Pune 411045",
    "H.No. 4-{n}-88, Saroornagar, Hyderabad",
    "Blk {n} Tampines Ave 4 #08-117, Singapore 520412",
    "{n} Moi Avenue, Kisumu",
    "Plot {n}, Ring Road, Bodija, Ibadan",
    "Stand {n}, Umlazi Section D, 4066",
    "Blk 5 Lot {n}, Villa Esperanza, Bacoor, Cavite",
    "{n} Rimutaka Street, Masterton 5810",
]
COMPANIES = [
    "Trelawney Marine",
    "Northgate Credit Union",
    "Brightdesk",
    "Alpenpost",
    "Leach Dunn LLP",
    "Kittiwake Foods",
    "Ironbridge Castings",
    "Halcyon Freight",
    "Marrowbone Brewing",
    "Saltmarsh Dental",
    "Tessellate Software",
    "Ganymede Pharma",
    "Osprey Rail",
    "Quillfeather Books",
    "Bluefin Logistics",
    "Wexcombe Abattoir",
    "Cantilever Bank",
    "Hopscotch Nursery",
    "Meridian Eyecare",
    "Thornfield Academy",
]


@functools.cache
def held_out_words() -> frozenset[str]:
    """Every word of the test side's names, streets, towns and companies, with those of the hand-written notes."""
    from nichetune.corpus.masking.plain_words import is_plain

    phrases = [*GIVEN.values(), *LAST.values(), *STREET_WORDS, *COMPANIES, *WORLD_ADDRESSES]
    phrases += [city for cities in CITIES.values() for city in cities]
    places: list[str] = []
    for file in sorted(Path(__file__).parent.glob("notes*.txt")):
        notes = file.read_text(encoding="utf-8")
        phrases += re.findall(r"\{\{PERSON:(.*?)\}\}", notes)
        places += re.findall(r"\{\{(?:ADDRESS|CITY):(.*?)\}\}", notes)
    words = _read_words(phrases) | {word for word in _read_words(places) if not is_plain(word)}
    return frozenset(words - PLAIN)


def _read_words(phrases: list[str]) -> set[str]:
    return {word.casefold() for phrase in phrases for word in re.findall(r"[^\W\d_]{4,}", phrase.replace("\\n", " "))}


# Words that the test's addresses share with every address.
PLAIN = frozenset(
    [
        *("strasse", "chemin", "travessa", "inlet", "dale", "creek", "green", "floor", "utca", "rodovia", "callejón"),
        *("vila", "verde", "grande", "lakes", "sainte", "bois", "gully"),
        "flat",
        "unit",
        "road",
        "street",
        "avenue",
        "lane",
        "drive",
        "court",
        "close",
        "crescent",
        "walk",
        "house",
        "blk",
        "block",
        "stand",
        "plot",
        "section",
        "ring",
        "cottage",
        "villa",
        "hill",
        "heights",
        "back",
        "coach",
        "nurse",
        "sister",
        "business",
        "park",
        "west",
        "east",
        "north",
        "south",
        "calle",
        "strada",
        "corporation",
        "point",
        "street",
        "trail",
        "rural",
        "ferry",
        "spur",
        "bluff",
        "grove",
        "academy",
        "books",
        "foods",
        "rail",
        "bank",
        "credit",
        "union",
        "freight",
        "dental",
        "software",
        "circle",
        "room",
        "door",
        "suite",
        "parade",
        "cove",
        "albany",
        "baby",
        "girl",
        "boy",
        "miss",
        "frau",
        "aunty",
        "uncle",
        "from",
        "nagar",
        "mumbai",
        "glasgow",
        "bergen",
        "market",
        "mesa",
        "stone",
        "forge",
        "place",
        "gandhi",
        "georgia",
        "cornwall",
        "arizona",
    ]
)
