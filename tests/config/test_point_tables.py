"""Point tables are read as people and spreadsheets write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.links import WordOrder
from config.points.columns import COLUMNS
from config.points.read import read_table
from config.tags import Tag, ValueType
from config.vocabulary import Priority

FILE = Path("points.csv")
HEADERS = "tag,device,scan_class,address"


def tags_of(content: str | bytes) -> list[Tag]:
    rows, faults = read_table(FILE, content if isinstance(content, bytes) else content.encode())
    assert [fault.show() for fault in faults] == []
    return [row.tag for row in rows]


def faults_of(content: str) -> list[str]:
    return [fault.show() for fault in read_table(FILE, content.encode())[1]]


def cell(header: str, content: str) -> Tag:
    (tag,) = tags_of(f'{HEADERS},{header}\nT1,plc,fast,hr:0,"{content}"\n')
    return tag


ENGLISH = "tag,title,device,scan_class,address,safety\nT1,出水温度,plc,fast,hr:0,yes\n"
CHINESE = "点位名,名称,设备,扫描组,地址,安全相关\nT1,出水温度,plc,fast,hr:0,是\n"


@pytest.mark.parametrize(
    "content",
    [
        ENGLISH.encode(),
        b"\xef\xbb\xbf" + ENGLISH.encode(),
        ENGLISH.encode("gb18030"),
        CHINESE.encode(),
        CHINESE.encode("gb18030"),
        CHINESE.replace(",", ";").encode(),
        CHINESE.replace(",", "\t").encode("gb18030"),
        CHINESE.replace("\n", "\r\n").encode(),
        CHINESE.replace("\n", "\r").encode(),
        ENGLISH.replace("scan_class", " Scan Class ").replace("tag", "TAG").encode(),
    ],
)
def test_a_table_reads_the_same_in_every_encoding_language_and_delimiter(content: bytes) -> None:
    assert tags_of(content) == [
        Tag(tag="T1", title="出水温度", device="plc", scan_class="fast", address="hr:0", safety=True)
    ]


def test_comments_blank_rows_and_remarks_are_passed_over() -> None:
    content = f'# say "what\n\n序号,{HEADERS},备注\n,,,,,\n#1,x\n1,T1,plc,fast,hr:0,检修 # 见图\n  # end,,,\n'
    assert [tag.tag for tag in tags_of(content)] == ["T1"]


def test_a_cell_may_hold_delimiters_quotes_and_line_breaks() -> None:
    rows, faults = read_table(
        FILE, f'title,{HEADERS}\r\n"进水, ""1号""\r\n压力",T1,plc,fast,hr:0\r\n'.encode()
    )
    assert not faults
    assert rows[0].tag.title == '进水, "1号" 压力'
    assert str(rows[0].place("title")) == "points.csv:2:1"
    assert str(rows[0].place("tag")) == "points.csv:3:5"


def test_the_type_follows_from_the_address_where_none_is_given() -> None:
    addresses = ("hr:0", "ir:0", "co:0", "di:0", "hr:0.3", "40001.3", "ns=2;s=a")
    rows = "".join(f"T{number},plc,fast,{address}\n" for number, address in enumerate(addresses))
    uint16, boolean = ValueType.UINT16, ValueType.BOOL
    expected = [uint16, uint16, boolean, boolean, boolean, boolean, ValueType.FLOAT64]
    assert [tag.type for tag in tags_of(f"{HEADERS}\n{rows}")] == expected


@pytest.mark.parametrize(
    ("header", "content", "field", "meaning"),
    [
        ("scale", "1E-01", "scale", 0.1),
        ("系数", "０．１", "scale", 0.1),
        ("offset", "−5", "offset", -5.0),
        ("中值滤波", "3.0", "median", 3),
        ("延时", "5秒", "on_delay", 5 * 10**9),
        ("heartbeat", "1.5 min", "heartbeat", 90 * 10**9),
        ("恢复延时", "５００毫秒", "off_delay", 500 * 10**6),
        ("safety", "TRUE", "safety", True),
        ("安全相关", "√", "safety", True),
        ("安全相关", "否", "safety", False),
        ("类型", "浮点", "type", ValueType.FLOAT32),
        ("type", "DINT", "type", ValueType.INT32),
        ("字序", "cdab", "word_order", WordOrder.CDAB),
        ("优先级", "紧急", "priority", Priority.CRITICAL),
        ("无效码", "7777=通道备用；-1E6=故障", "sentinels", {7777.0: "通道备用", -1e6: "故障"}),
        ("高报", "/", "h", None),
        ("单位", "-", "unit", ""),
        ("单位", "m³/h", "unit", "m³/h"),
        ("code", '=""0123""', "code", "0123"),
        ("名称", " \u00a0进水压力\u3000", "title", "进水压力"),
        ("名称", "-", "title", "-"),
    ],
)
def test_a_cell_means_what_its_writer_meant(header: str, content: str, field: str, meaning: object) -> None:
    assert getattr(cell(header, content), field) == meaning


def test_a_deadband_is_a_number_or_a_share_of_the_range() -> None:
    assert cell("deadband", "0.5").deadband.absolute == 0.5
    assert cell("死区", "１％").deadband.percent == 1.0


@pytest.mark.parametrize(
    ("header", "content"),
    [
        ("code", "1.23457E+17"),
        ("code", "123.0"),
        ("code", "123456789120101000"),
        ("code", "１２"),
        ("code", "TRUE"),
        ("code", "5月6日"),
        ("title", "#REF!"),
        ("title", "########"),
        ("unit", "#N/A"),
        ("h", "1,5"),
        ("h", "TRUE"),
        ("h", "3月1日"),
        ("h", "nan"),
        ("h", "1e999"),
        ("h", "5%"),
        ("median", "2.5"),
        ("median", "4"),
        ("on_delay", "5"),
        ("on_delay", "1-Mar"),
        ("safety", "2"),
        ("type", "整型"),
        ("word_order", "AB"),
        ("sentinels", "7777"),
        ("deadband", "-1"),
        ("deadband", "101%"),
        ("heartbeat", "1ms"),
        ("title", "a\x1bb"),
        ("code", "a b"),
    ],
)
def test_a_cell_that_could_mean_anything_is_a_fault_at_its_place(header: str, content: str) -> None:
    (fault,) = faults_of(f'{HEADERS},{header}\nT1,plc,fast,hr:0,"{content}"\n')
    assert fault.startswith("points.csv:2:18: ")


def test_damaged_utf8_is_not_taken_for_gb18030() -> None:
    content = (
        "tag,title,device,scan_class,address\nT1,出水温度,plc,fast,hr:0\nT2,进水温度,plc,fast,hr:1\n".encode()
    )
    _, faults = read_table(FILE, content.replace("进".encode(), "进".encode()[:2]))
    assert [fault.show() for fault in faults] == [
        'points.csv:3:4: this cell holds bytes that are not UTF-8; write it anew and save as "CSV UTF-8"'
    ]


def test_a_comment_of_hashes_is_no_mangled_cell_but_a_cell_of_hashes_is() -> None:
    assert len(tags_of(f"{HEADERS}\n##### 1号机 #####,,,\n####,,,\nT1,plc,fast,hr:0\n")) == 1
    assert len(faults_of(f"{HEADERS}\n####,plc,fast,hr:0\n")) == 1


def test_every_field_of_a_tag_has_a_column_with_a_chinese_header() -> None:
    assert [column.field for column in COLUMNS] == list(Tag.model_fields)
    assert all(not column.headers[0].isascii() for column in COLUMNS)
