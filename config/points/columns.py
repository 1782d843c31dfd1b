"""The columns of a point table: their headers in both languages and how their cells are read."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from config.points import cells
from config.points.cells import Reader


def _spellings(**others: str) -> dict[str, str]:
    """Return every spelling, in lower case, with its value; `others` are set apart by spaces."""
    return {
        spelling.lower(): value for value, listed in others.items() for spelling in (value, *listed.split())
    }


TYPES: Final = _spellings(
    bool="布尔 布尔型 开关量 boolean bit 位",
    int16="int 16位整型 有符号16位",
    uint16="uint word 字 16位无符号 无符号16位",
    int32="dint 双整型 32位整型 有符号32位",
    uint32="udint dword 双字 32位无符号 无符号32位",
    int64="lint 64位整型 有符号64位",
    uint64="ulint 64位无符号 无符号64位",
    float16="半精度",
    float32="float real 浮点 浮点型 单精度",
    float64="double lreal 双精度 双精度浮点",
    bcd16="bcd",
    bcd32="双字bcd",
    tenths="整数.十分位",
    hundredths="整数.百分位",
    ascii="string 字符串",
    gbk="gb2312 gb18030 汉字",
)
_WORD_ORDERS: Final = _spellings(ABCD="", CDAB="", BADC="", DCBA="")
_REPORT_BY: Final = _spellings(deadband="死区", swinging_door="旋转门")
_PRIORITIES: Final = _spellings(critical="紧急", high="高", medium="中", low="低")


@dataclass(frozen=True, slots=True)
class Column:
    """One column: the tag's field that it fills, other headers that mean it, and the reader of its cells.

    Where `dash_is_blank`, a lone dash or slash or 无 says that there is no value.
    """

    field: str
    headers: tuple[str, ...]
    read: Reader
    required: bool = False
    dash_is_blank: bool = True


def _required(field: str, headers: str, read: Reader) -> Column:
    return Column(field, tuple(headers.split()), read, required=True, dash_is_blank=False)


def _optional(field: str, headers: str, read: Reader) -> Column:
    return Column(field, tuple(headers.split()), read, dash_is_blank=read is not cells.title)


COLUMNS: Final = (
    _required("tag", "点位名 位号 点名", cells.name),
    _optional("code", "平台编码 编码 指标编码", cells.name),
    _optional("title", "名称 中文名称 描述 点位描述 description", cells.title),
    _required("device", "设备 设备名", cells.name),
    _required("scan_class", "扫描组 扫描类 采集组", cells.name),
    _required("address", "地址 寄存器地址 节点 node_id", cells.address),
    _optional("type", "类型 数据类型", cells.choice(TYPES)),
    _optional("word_order", "字序 字节序", cells.choice(_WORD_ORDERS)),
    _optional("mask", "掩码 位掩码", cells.mask),
    _optional("length", "长度 寄存器数", cells.whole_number),
    _optional("scale", "系数 比例 倍率", cells.number),
    _optional("offset", "偏移 偏移量", cells.number),
    _optional("unit", "单位 工程单位", cells.unit),
    _optional("raw_low", "原始下限", cells.number),
    _optional("raw_high", "原始上限", cells.number),
    _optional("range_low", "量程下限", cells.number),
    _optional("range_high", "量程上限", cells.number),
    _optional("sampling", "采样周期 采样间隔", cells.duration),
    _optional("queue", "队列长度", cells.whole_number),
    _optional("server_deadband", "服务器死区", cells.deadband),
    _optional("sentinels", "无效码 特殊值", cells.meanings),
    _optional("enum", "枚举 状态含义 取值含义", cells.meanings),
    _optional("toggle_within", "翻转时限 心跳位时限", cells.duration),
    _optional("plausible_low", "合理下限", cells.number),
    _optional("plausible_high", "合理上限", cells.number),
    _optional("max_rate", "最大变化率", cells.number),
    _optional("median", "中值滤波", cells.whole_number),
    _optional("report", "上报方式", cells.choice(_REPORT_BY)),
    _optional("deadband", "死区 上报死区", cells.deadband),
    _optional("max_delay", "最大延迟 上报延迟", cells.duration),
    _optional("min_interval", "最小间隔 最小上报间隔", cells.duration),
    _optional("heartbeat", "心跳 心跳周期", cells.duration),
    _optional("safety", "安全相关 安全点", cells.truth),
    _optional("fault_delay", "故障延时 坏点延时", cells.duration),
    _optional("ll", "低低报 低低限", cells.number),
    _optional("l", "低报 低限", cells.number),
    _optional("h", "高报 高限", cells.number),
    _optional("hh", "高高报 高高限", cells.number),
    _optional("alarm_deadband", "报警死区 回差", cells.number),
    _optional("on_delay", "延时 报警延时", cells.duration),
    _optional("off_delay", "恢复延时", cells.duration),
    _optional("priority", "优先级 报警优先级", cells.choice(_PRIORITIES)),
    _optional("latch", "锁存 报警锁存", cells.truth),
    _optional("alarm_group", "报警组 首出组", cells.title),
    _optional("suppressed_when", "屏蔽条件 抑制条件", cells.condition),
    _optional("response", "处置提示 处置措施", cells.title),
    _optional("basis", "依据 报警依据", cells.title),
)

_REMARKS: Final = "备注 说明 序号 remark remarks note notes comment comments no"
"""Headers of columns that are for people only and passed over."""

_HEADER_NOISE: Final = re.compile(r"[\s_-]")


def column_of(header: str) -> Column | None:
    """Return the column that a header means, whatever its case, spaces and width; None where unknown."""
    return _BY_HEADER.get(_folded(header))


def is_for_people(header: str) -> bool:
    """Tell whether a header names remarks or row numbers, which are passed over."""
    return _folded(header) in _REMARKS.split()


def known_headers() -> list[str]:
    """Return every header that is understood."""
    return [header for column in COLUMNS for header in (column.field, *column.headers)]


def _folded(header: str) -> str:
    return _HEADER_NOISE.sub("", unicodedata.normalize("NFKC", header)).casefold()


_BY_HEADER: Final = {
    _folded(header): column for column in COLUMNS for header in (column.field, *column.headers)
}
