"""Apache Kafka's jars, from Maven Central. ``python -m tests.real.kafka.install`` fetches them before the tests run."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.real import cache, packages

POM = Path(__file__).with_name("pom.xml")
JAVA_OLDEST = 17


def version() -> str:
    """Kafka's version, as the project file beside this one has it."""
    return POM.read_text(encoding="utf-8").split("<kafka.version>")[1].split("<")[0]


def jars() -> Path:
    """The folder with Kafka's jars, fetched if they are not there yet, and a Java that runs them."""
    packages.need("java", "default-jre-headless")
    if (found := _java()) < JAVA_OLDEST:
        raise packages.MissingError(
            f"Kafka needs Java {JAVA_OLDEST} or newer, and java is {found}: install a newer one"
        )
    return cache.kept("kafka", version(), _fetch)


def _java() -> int:
    told = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', told)
    return int(found[1]) if found else 0


def _fetch(folder: Path) -> None:
    packages.need("mvn", "maven")
    packages.say(f"fetching Apache Kafka {version()} (55 MB)")
    goal = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
    command = ["mvn", "-q", "-B", "-f", str(POM), goal, f"-DoutputDirectory={folder}"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode or not list(folder.glob("kafka_*.jar")):
        raise packages.MissingError(f"Kafka could not be fetched: {' '.join(command)}\n{done.stdout.strip()}")


if __name__ == "__main__":
    try:
        packages.say(f"Apache Kafka is in {jars()}")
    except packages.MissingError as error:
        sys.exit(f"test bed: {error}")
