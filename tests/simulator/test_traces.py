"""What all readers share: unusable files, one content in several dresses, arbitrary bytes; and the recorded traces."""

from __future__ import annotations

import gzip
import io
import time
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import BadInput
from simulator.traces.pods import NEVER_RAN, read_pods
from simulator.traces.rates import read_rates
from simulator.traces.swf import HeaderFacts, read_swf
from simulator.traces.text import LINE_BYTES_MAX

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "traces"
GOOD = "1 10 5 60 4 -1 -1 8 120 -1 1 7 1 -1 -1 -1 -1 -1"
PODS_HEADER = (
    "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time"
)
GOOD_POD = "web,500,1024,2,,,LS,Running,100,400,150"

READERS = {
    "swf": (read_swf, GOOD + "\n"),
    "pods": (read_pods, f"{PODS_HEADER}\n{GOOD_POD}\n"),
    "rates": (read_rates, "seconds,requests_per_second\n0,1\n600,2\n"),
}


@pytest.fixture
def write(tmp_path):
    def write_file(content: str | bytes, name: str = "trace") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write_file


def files(good: bytes) -> dict[str, tuple[bytes, str]]:
    packed = gzip.compress(good)
    return {
        "empty": (b"", "the file is empty"),
        "only blank lines": (b"\n \n\r\n", "no usable|columns missing"),
        "truncated gzip": (packed[:-9], "ends early"),
        "damaged gzip": (packed[:12] + b"\xff\xff\xff" + packed[15:], "damaged|ends early"),
        "NUL bytes": (b"\x7fELF\x02\x00\x00\x00", "not text"),
        "UTF-16": (good.decode().encode("utf-16"), "not text"),
        "not UTF-8": (b"\xe9\xff,\x81 \n", "not text"),
        "empty gzip": (gzip.compress(b""), "the file is empty"),
    }


@pytest.mark.parametrize("fault", files(b"x"))
@pytest.mark.parametrize("reader", READERS)
def test_a_file_that_cannot_be_used(reader, fault, write):
    read, good = READERS[reader]
    content, message = files(good.encode())[fault]
    path = write(content)
    with pytest.raises(BadInput, match=message) as caught:
        read(path)
    assert caught.value.where.startswith(str(path))
    assert caught.value.remedy or "columns missing" in caught.value.what


@pytest.mark.parametrize("reader", READERS)
def test_a_path_that_is_no_file(reader, tmp_path):
    read, _ = READERS[reader]
    with pytest.raises(BadInput, match="no such file"):
        read(tmp_path / "absent")
    with pytest.raises(BadInput, match="is a directory"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (PermissionError(13, "Permission denied"), "no permission"),
        (OSError(5, "Input/output error"), "Input/output error"),
    ],
    ids=["no permission", "failing disk"],
)
def test_a_file_that_cannot_be_opened(error, message, write, monkeypatch):
    path = write(GOOD)

    def refuse(*_: object, **__: object) -> io.BytesIO:
        raise error

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(BadInput, match=message):
        read_swf(path)


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("change", ["plain", "CRLF", "gzip", "byte order mark", "no last line end"])
def test_the_same_content_in_another_dress(reader, change, write):
    read, good = READERS[reader]
    content = {
        "plain": good.encode(),
        "CRLF": good.replace("\n", "\r\n").encode(),
        "gzip": gzip.compress(good.encode()),
        "byte order mark": b"\xef\xbb\xbf" + good.encode(),
        "no last line end": good.rstrip("\n").encode(),
    }[change]
    trace = read(write(content, "trace.txt"))
    assert trace.notes.bad_lines == 0
    assert trace.notes.lines == good.count("\n")
    plain = read(write(good, "plain"))
    if reader == "rates":
        assert trace.requests.per_s.tolist() == plain.requests.per_s.tolist()
    else:
        assert trace.jobs == plain.jobs if reader == "swf" else trace.pods == plain.pods


@pytest.mark.parametrize("reader", READERS)
def test_a_line_without_end_is_left_out(reader, write):
    read, good = READERS[reader]
    trace = read(write(good + "9" * (3 * LINE_BYTES_MAX) + "\n"))
    assert trace.notes.bad_lines == 1
    assert "longer than" in trace.notes.bad[0]


def test_only_the_first_bad_lines_are_kept_and_all_are_counted(write):
    notes = read_swf(write(GOOD + "\nx" * 100)).notes
    assert (notes.bad_lines, len(notes.bad), notes.lines) == (100, notes.keep, 101)


@given(content=st.binary(max_size=400), reader=st.sampled_from(sorted(READERS)), after_good=st.booleans())
@settings(derandomize=True, max_examples=300)
def test_any_bytes_are_read_or_refused(tmp_path_factory, content, reader, after_good):
    read, good = READERS[reader]
    path = tmp_path_factory.mktemp("any") / "trace"
    path.write_bytes(good.encode() + content if after_good else content)
    with suppress(BadInput):
        trace = read(path)
        assert trace.notes.bad_lines <= trace.notes.lines


# ---- the recorded traces ----


def shared(name: str) -> Path:
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"the recorded trace {path} is not here")
    return path


@pytest.mark.shared
def test_kth_sp2():
    trace = read_swf(shared("kth_sp2.swf.gz"))
    assert len(trace.jobs) == 28_475
    assert trace.notes.bad_lines == 1
    assert trace.header == HeaderFacts(843480031, 7200, 100, 100)
    assert max(job.procs for job in trace.jobs) <= 100
    offered = sum(job.procs * job.run_s for job in trace.jobs) / (100 * trace.jobs[-1].submit_s)
    assert 0.6 < offered < 0.8  # the archive gives 70 %


@pytest.mark.shared
def test_openb_pods():
    trace = read_pods(shared("openb_pods_2023.csv.gz"), strict=True)
    assert len(trace.pods) == 8152
    assert trace.notes.mended == {NEVER_RAN: 897}
    assert {pod.gpu_milli for pod in trace.pods} >= {0, 460, 1000, 8000}


@pytest.mark.shared
@pytest.mark.parametrize("model", ["small", "mid"])
def test_servegen_rates(model):
    requests = read_rates(shared(f"servegen_m_{model}_10min.csv.gz"), strict=True).requests
    assert requests.times_s.size == 14 * 144
    assert requests.end_s == 14 * 86_400


def test_a_hundred_thousand_jobs_are_read_quickly(write):
    path = write("\n".join(GOOD.replace("1 10", f"{i} {i * 30}", 1) for i in range(100_000)))
    start = time.process_time()
    assert len(read_swf(path).jobs) == 100_000
    assert time.process_time() - start < 5  # about 0.5 s; the bound is for a slow machine
