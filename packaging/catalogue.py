"""Makes monitor/catalogue/publishers.csv from checkouts of public lists of publishers.

    python packaging/catalogue.py FUNDUS AWESOME_RSS_FEEDS KITE_PUBLIC

Each list is free to use; see monitor/catalogue/sources.csv, which is renewed by hand.
Of each publisher in a country one feed is taken, the most general that is listed. A language is
stated only where the list, the address or the country leaves no doubt.
"""

from __future__ import annotations

import ast
import csv
import html
import json
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from urllib.parse import urlsplit

TARGET = Path(__file__).parents[1] / "monitor" / "catalogue" / "publishers.csv"
MOST_A_COUNTRY = 40
# Countries by the names of the lists, with the language that nearly all publishers there use, if
# there is one.
COUNTRIES = """
Albania AL sq|Algeria DZ|Argentina AR es|Australia AU en|Austria AT de|Bangladesh BD|Belgium BE
Bosnia and Herzegovina BA|Brazil BR pt|Bulgaria BG bg|Cambodia KH|Canada CA
Canada / Quebec CA fr|Chile CL es|China CN|Colombia CO es|Costa Rica CR es|Croatia HR hr
Czech Republic CZ cs|Denmark DK da|Dominican Republic DO es|DR Congo CD fr|Estonia EE
Ethiopia ET|Finland FI|France FR fr|Georgia GE|Germany DE de|Ghana GH en|Greece GR el
Hong Kong HK|Hong Kong SAR China HK|Hungary HU hu|Iceland IS is|India IN|Indonesia ID|Iran IR
Ireland IE en|Israel IL|Italy IT it|Japan JP|Kenya KE en|Kosovo XK|Latvia LV|Lithuania LT lt
Macau MO|Malaysia MY|Malta MT|Mexico MX es|Moldova MD|Montenegro ME|Morocco MA|Myanmar MM
Myanmar (Burma) MM|New Zealand NZ en|Nigeria NG en|North Macedonia MK|Norway NO no|Pakistan PK
Palestine PS|Philippines PH|Poland PL pl|Portugal PT pt|Romania RO ro|Russia RU|Rwanda RW
Serbia RS sr|Singapore SG|Slovakia SK sk|Slovenia SI sl|South Africa ZA|South Korea KR
Spain ES es|Sweden SE sv|Switzerland (DE) CH de|Switzerland (FR) CH fr|Switzerland (IT) CH it
Taiwan TW|Tanzania TZ|Thailand TH|The Netherlands NL nl|Turkey TR tr|UK GB en
United Kingdom GB en|Ukraine UA|Venezuela VE es|Vietnam VN vi|United States US en
"""
FUNDUS_CODES = {"ind": "IN", "isl": "IS", "uk": "GB"}
# fundus writes the country of Taiwan where the language belongs.
FUNDUS_LANGUAGES = {"tw": "zh"}
# The top-level domains that are not the country's code.
TOP_LEVELS = {"GB": "uk"}
LANGUAGES = {"english": "en", "german": "de", "french": "fr", "arabic": "ar", "urdu": "ur",
             "chinese": "zh", "dutch": "nl"}  # fmt: skip
# Publishers of countries with several languages, and what they are written in.
KNOWN = {
    "rtbf.be": "fr", "lesoir.be": "fr", "lalibre.be": "fr", "sudinfo.be": "fr", "dhnet.be": "fr",
    "lecho.be": "fr", "lavenir.net": "fr", "levif.be": "fr", "7sur7.be": "fr", "rtl.be": "fr",
    "businessam.be": "nl", "sporza.be": "nl", "apache.be": "nl", "bruzz.be": "nl", "knack.be": "nl",
    "demorgen.be": "nl", "gva.be": "nl", "hbvl.be": "nl", "hln.be": "nl", "nieuwsblad.be": "nl",
    "standaard.be": "nl", "tijd.be": "nl", "vrt.be": "nl", "focus-wtv.be": "nl",
    "belgianaffairs.be": "en", "cbc.ca": "en", "globalnews.ca": "en", "lapresse.ca": "fr",
    "ledevoir.com": "fr", "thestar.com": "en", "nationalpost.com": "en",
    "theglobeandmail.com": "en",
    "timesofindia.indiatimes.com": "en", "thehindu.com": "en", "indianexpress.com": "en",
    "dawn.com": "en", "yle.fi": "fi", "hs.fi": "fi", "is.fi": "fi", "straitstimes.com": "en",
    "channelnewsasia.com": "en", "scmp.com": "en", "japantimes.co.jp": "en", "err.ee": "et",
    "delfi.ee": "et", "postimees.ee": "et", "delfi.lv": "lv", "rappler.com": "en",
    "inquirer.net": "en", "mg.co.za": "en", "dailymaverick.co.za": "en", "themoscowtimes.com": "en",
    "kyivindependent.com": "en", "pravda.com.ua": "uk", "timesofisrael.com": "en",
    "ynet.co.il": "he",
    "haaretz.com": "en", "jpost.com": "en", "bangkokpost.com": "en", "koreatimes.co.kr": "en",
    "yna.co.kr": "ko", "taipeitimes.com": "en", "timesofmalta.com": "en",
}  # fmt: skip
# What is not a publisher, or of no country.
OTHERS = re.compile(
    r"(?:^|\.)(?:google|reddit|youtube|medium|substack|feedburner|blogspot|wordpress|github|twitter|"
    r"telegram|podbean|spotify|apple|wikipedia|facebook|tumblr|rsshub|feedspot|rss|fetchrss|"
    r"politepol|kill-the-newsletter|morss|openrss|yahoo|msn|bing|euronews|gov|gob|gouv|edu|ac|mil|"
    r"europa|un|who|nitter|bsky|mastodon|fivefilters|feedx|feeds?43|rssing|newsblur)\.|"
    r"\.(?:gov|gob|gouv|edu|mil|app|dev|github\.io)$"
)
SECTIONS = re.compile(
    r"podcast|forum|sport|video|opinion|cultur|econom|societ|sant[eé]|polit|tags?/"
)
SECOND_LEVELS = {"co", "com", "net", "org", "or", "ne", "gen", "web", "info", "in", "go"}


@dataclass(frozen=True)
class Publisher:
    """A row of the catalogue."""

    country: str
    language: str
    name: str
    url: str
    kind: str
    source: str


def main() -> None:
    """Writes the catalogue, and prints what is in it."""
    fundus, awesome, kite = map(Path, sys.argv[1:4])
    found: dict[tuple[str, str], Publisher] = {}
    for publishers in (of_fundus(fundus), of_kite(kite), of_awesome(awesome)):
        for each in publishers:
            found.setdefault((each.country, domain(each.url)), each)
    countries: defaultdict[str, list[Publisher]] = defaultdict(list)
    for each in found.values():
        countries[each.country].append(each)
    chosen = [each for listed in countries.values() for each in listed[:MOST_A_COUNTRY]]
    chosen.sort(key=lambda each: (each.country, each.name.casefold(), each.url))
    with TARGET.open("w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(field.name for field in fields(Publisher))
        rows.writerows(map(astuple, chosen))
    counts = Counter(each.source for each in chosen)
    print(len(chosen), "publishers of", len(countries), "countries:", dict(counts))  # noqa: T201


def of_fundus(root: Path) -> Iterator[Publisher]:
    """Yields the publishers that fundus reads, from its Python files."""
    for file in sorted((root / "src/fundus/publishers").glob("*/__init__.py")):
        code = file.parent.name
        country = FUNDUS_CODES.get(code, code.upper())
        for group in ast.walk(ast.parse(file.read_text())):
            if not isinstance(group, ast.ClassDef):
                continue
            language = ""
            for statement in group.body:
                if not isinstance(statement, ast.Assign):
                    continue
                if isinstance(statement.value, ast.Constant):
                    stated = str(statement.value.value)
                    language = FUNDUS_LANGUAGES.get(stated, stated)
                elif isinstance(statement.value, ast.Call):
                    yield from of_call(statement.value, country, language)


def of_call(call: ast.Call, country: str, language: str) -> Iterator[Publisher]:
    """Yields the publisher that one call declares, with the best of its sources."""
    options = {keyword.arg: keyword.value for keyword in call.keywords}
    name, sources = options.get("name"), options.get("sources")
    if not isinstance(name, ast.Constant) or "deprecated" in options or sources is None:
        return
    listed = []
    for source in ast.walk(sources):
        if not (isinstance(source, ast.Call) and isinstance(source.func, ast.Name) and source.args):
            continue
        kind = {"RSSFeed": "feed", "NewsMap": "news sitemap", "Sitemap": "sitemap"}.get(
            source.func.id
        )
        url = source.args[0]
        if kind and isinstance(url, ast.Constant):
            stated = [
                node.value
                for keyword in source.keywords if keyword.arg == "languages"
                for node in ast.walk(keyword.value) if isinstance(node, ast.Constant)
            ]  # fmt: skip
            spoken = stated[0] if stated else language
            listed.append(
                Publisher(country, spoken, str(name.value), str(url.value), kind, "fundus")
            )
    order = ("feed", "news sitemap", "sitemap")
    yield from sorted(listed, key=lambda each: order.index(each.kind))[:1]


def of_kite(root: Path) -> Iterator[Publisher]:
    """Yields the publishers in the categories of Kagi News that are countries."""
    categories = json.loads((root / "kite_feeds.json").read_text())
    media = {
        host: each
        for each in json.loads((root / "media_data.json").read_text())
        for host in each["domains"]
    }
    known = dict(countries())
    homes: defaultdict[str, set[str]] = defaultdict(set)
    for title, category in categories.items():
        code, _ = known.get(title.replace(" | ", " / "), (title, ""))
        for url in category["feeds"]:
            homes[domain(url)].add(code)
    for title, category in categories.items():
        if (place := known.get(title.replace(" | ", " / "))) is None:
            continue
        code, language = place
        by_domain: defaultdict[str, list[str]] = defaultdict(list)
        for url in category["feeds"]:
            if url.startswith("http") and not OTHERS.search(urlsplit(url).hostname or ""):
                by_domain[domain(url)].append(url)
        for host, urls in by_domain.items():
            about = media.get(host) or media.get(f"www.{host}") or {}
            top_level = TOP_LEVELS.get(code, code.lower())
            home = known.get(about.get("country", ""), ("", ""))[0]
            if (
                host.endswith(f".{top_level}")
                or code == home
                or (not about and homes[host] == {code})
            ):
                url = min(urls, key=generality)
                spoken = stated_language(url, host, about.get("description", "")) or language
                name = outlet(about.get("organization", ""), host)
                yield Publisher(code, spoken, name, url, "feed", "kite")


def of_awesome(root: Path) -> Iterator[Publisher]:
    """Yields the publishers that awesome-rss-feeds lists by country."""
    known = dict(countries())
    for file in sorted((root / "countries/without_category").glob("*.opml")):
        code, language = known[file.stem]
        # Some of the files are not well-formed.
        urls = [
            url
            for found in re.findall(r'xmlUrl="([^"]+)"', file.read_text())
            if (url := html.unescape(found)).startswith("http")
            and not OTHERS.search(urlsplit(url).hostname or "")
        ]
        by_domain: defaultdict[str, list[str]] = defaultdict(list)
        for url in urls:
            by_domain[domain(url)].append(url)
        for host, listed in by_domain.items():
            url = min(listed, key=generality)
            spoken = stated_language(url, host, "") or language
            yield Publisher(code, spoken, host, url, "feed", "awesome-rss-feeds")


def countries() -> Iterator[tuple[str, tuple[str, str]]]:
    """Yields each country's name in the lists, its code and its language."""
    for entry in re.split(r"[|\n]", COUNTRIES.strip()):
        found = re.fullmatch(r"(.+?) ([A-Z]{2})(?: ([a-z]{2}))?", entry)
        if not found:
            raise ValueError(entry)
        yield found[1], (found[2], found[3] or "")


def domain(url: str) -> str:
    """Returns the registered domain of a URL, as well as that can be told without a list."""
    labels = (urlsplit(url).hostname or "").split(".")
    length = 3 if len(labels) > 2 and labels[-2] in SECOND_LEVELS and len(labels[-1]) == 2 else 2  # noqa: PLR2004
    return ".".join(labels[-length:])


def outlet(organization: str, host: str) -> str:
    """Returns the name of an organization if it is that of its site too, else the domain."""
    label = re.sub(r"[^a-z0-9]", "", host.partition(".")[0])
    words = re.findall(r"[a-z0-9]+", organization.lower())
    same = {"".join(words), "".join(word[0] for word in words)}
    return organization if any(name and (name in label or label in name) for name in same) else host


def generality(url: str) -> tuple[bool, int, int, str]:
    """Returns a key by which the feed of a whole site comes before those of its sections."""
    parts = urlsplit(url)
    path = [part for part in parts.path.split("/") if part]
    return bool(SECTIONS.search(url.lower())), len(path) + bool(parts.query), len(url), url


def stated_language(url: str, host: str, description: str) -> str:
    """Returns the language that is known or stated, else an empty text."""
    if host in KNOWN:
        return KNOWN[host]
    if found := re.search(r"(\w+)-language", description):
        return LANGUAGES.get(found[1].lower(), "")
    parts = urlsplit(url)
    words = re.split(
        r"[^a-z]+", f"{(parts.hostname or '').removesuffix(host)}/{parts.path}".lower()
    )
    return "en" if {"en", "eng", "english"} & set(words) or "english" in host else ""


if __name__ == "__main__":
    main()
