# SPDX-License-Identifier: MPL-2.0
"""Makes small faults: one change of one place of a source, as somebody's slip would be.

C is read by clang, so that a fault is a change of meaning and not of a word in a comment: guards
dropped and negated, comparisons and limits moved by one, terms of a condition lost, statements
left out, results exchanged. Rules and dashboards are read as text.
"""

import json
import pathlib
import re
import shlex
from typing import NamedTuple


class Fault(NamedTuple):
    path: str  # from the top of the tree
    start: int  # bytes of the file that go
    end: int
    new: bytes
    kind: str

    def apply(self, text):
        return text[: self.start] + self.new + text[self.end:]

    def line(self, text):
        return text.count(b"\n", 0, self.start) + 1

    def change(self, text):
        """The lines it touches, before and after, without their indentation."""
        first = text.rfind(b"\n", 0, self.start) + 1
        last = text.find(b"\n", self.end)
        last = len(text) if last < 0 else last
        old, new = text[first:last], text[first:self.start] + self.new + text[self.end:last]
        return [[part.strip() for part in side.decode().split("\n") if part.strip()]
                for side in (old, new)]


OPERATORS = {
    b"<": [b"<="], b"<=": [b"<"], b">": [b">="], b">=": [b">"], b"==": [b"!="], b"!=": [b"=="],
    b"&&": [b"||"], b"||": [b"&&"], b"+": [b"-"], b"-": [b"+"], b"&": [b"|"], b"|": [b"&"],
    b"/": [b"*"], b"%": [b"/"], b"<<": [b">>"], b">>": [b"<<"],
}
NUMBER = re.compile(rb"(?:0[xX][0-9a-fA-F]+|[0-9]+)")
OUT_OF_MEMORY = re.compile(rb"-ENOMEM|out of memory|no_memory")
DEFINE = re.compile(rb"^#define[ \t]+[A-Z_0-9]+[ \t]+\(?(?:\(\w+\))?(0[xX][0-9a-fA-F]+|\d+)[uUlL]*", re.M)
SKIPPED_CALLS = ("assert", "static_assert", "__builtin_va_end")


class Source:
    """One C file of the tree, parsed."""

    def __init__(self, cindex, top, path, arguments):
        self.kinds = cindex.CursorKind
        self.path = path
        self.file = top / path
        self.text = self.file.read_bytes()
        self.unit = cindex.Index.create().parse(str(self.file), args=arguments)
        wrong = [d for d in self.unit.diagnostics if d.severity >= cindex.Diagnostic.Error]
        if wrong:
            raise RuntimeError(f"{path}: clang cannot read it: {wrong[0]}")
        self.found = {}

    def add(self, start, end, new, kind):
        if 0 <= start <= end <= len(self.text) and self.text[start:end] != new:
            fault = Fault(self.path, start, end, new, kind)
            self.found[fault[:4]] = fault

    def span(self, cursor):
        return cursor.extent.start.offset, cursor.extent.end.offset

    def is_here(self, cursor):
        return cursor.location.file and pathlib.Path(cursor.location.file.name) == self.file

    def faults(self):
        kinds = self.kinds
        for cursor in self.unit.cursor.get_children():
            if self.is_here(cursor) and cursor.kind == kinds.FUNCTION_DECL and cursor.is_definition():
                self.visit(cursor)
        for found in DEFINE.finditer(self.text):
            self.add_number(found.start(1), found.end(1))
        return sorted(self.found.values())

    def visit(self, cursor):
        kinds = self.kinds
        children = list(cursor.get_children())
        if cursor.kind == kinds.IF_STMT and self.is_out_of_memory(children):
            return  # failures of malloc() are not played by the tests
        handler = {
            kinds.IF_STMT: self.visit_if, kinds.BINARY_OPERATOR: self.visit_binary,
            kinds.RETURN_STMT: self.visit_return, kinds.INTEGER_LITERAL: self.visit_integer,
            kinds.UNARY_OPERATOR: self.visit_unary, kinds.CONDITIONAL_OPERATOR: self.visit_choice,
        }.get(cursor.kind)
        if handler:
            handler(cursor, children)
        for child in self.statements(cursor, children):
            self.visit_statement(child)
        for child in children:
            is_size = cursor.kind == kinds.VAR_DECL and child.kind == kinds.INTEGER_LITERAL and \
                "[" in cursor.type.spelling  # of an array: more room is no fault
            is_skipped = child.kind == kinds.CALL_EXPR and child.spelling in SKIPPED_CALLS
            is_hint = cursor.kind == kinds.CALL_EXPR and cursor.spelling == "__builtin_expect" and \
                child == children[-1]  # which way is likely: only a matter of time
            if not is_size and not is_skipped and not is_hint:
                self.visit(child)

    def statements(self, cursor, children):
        kinds = self.kinds
        if cursor.kind == kinds.COMPOUND_STMT:
            return children
        if cursor.kind == kinds.IF_STMT:
            return children[1:]
        if cursor.kind in (kinds.FOR_STMT, kinds.WHILE_STMT, kinds.DO_STMT):
            return children[-1:]
        return []

    def visit_statement(self, cursor):
        kinds = self.kinds
        start, end = self.span(cursor)
        text = self.text[start:end]
        is_cast = cursor.kind == kinds.CSTYLE_CAST_EXPR and text.startswith(b"(void)") and b"(" in text[6:]
        is_call = cursor.kind == kinds.CALL_EXPR and cursor.spelling not in SKIPPED_CALLS
        is_change = cursor.kind == kinds.COMPOUND_ASSIGNMENT_OPERATOR or (
            cursor.kind == kinds.UNARY_OPERATOR and (text[:2] in (b"++", b"--") or text[-2:] in (b"++", b"--"))
        ) or (cursor.kind == kinds.BINARY_OPERATOR and self.operator(cursor)[0] == b"=")
        if (is_cast or is_call or is_change) and not text.startswith((b"assert", b"va_end")):
            self.add(start, end, b"(void)0", "statement left out")

    def visit_if(self, cursor, children):
        start, end = self.span(children[0])
        condition = self.text[start:end]
        self.add(start, end, b"0 && (" + condition + b")", "guard dropped")
        self.add(start, end, b"!(" + condition + b")", "condition negated")

    def is_out_of_memory(self, children):
        condition, body = (self.text[slice(*self.span(child))] for child in children[:2])
        return len(children) == 2 and OUT_OF_MEMORY.search(body) and b"!" in condition

    def operator(self, cursor):
        """The text of a binary operator, and where it is; (None, 0) where a macro hides it."""
        children = list(cursor.get_children())
        if len(children) != 2:
            return None, 0
        left, right = self.span(children[0])[1], self.span(children[1])[0]
        between = self.text[left:right]
        found = re.fullmatch(rb"[\s)]*([-+*/%<>=!&|^]+)[\s(]*", between)
        return (found.group(1), left + found.start(1)) if found else (None, 0)

    def visit_binary(self, cursor, children):
        word, at = self.operator(cursor)
        if word not in OPERATORS:
            return
        for other in OPERATORS[word]:
            self.add(at, at + len(word), other, f"{word.decode()} is {other.decode()}")
        if word in (b"&&", b"||"):
            left, right = (self.span(child) for child in children)
            neutral = b"1" if word == b"&&" else b"0"
            if not left[1] > right[0]:
                self.add(*left, neutral, "term lost")
                self.add(*right, neutral, "term lost")

    def visit_return(self, cursor, children):
        if len(children) != 1:
            return
        start, end = self.span(children[0])
        text = self.text[start:end]
        other = {b"true": b"false", b"false": b"true", b"0": b"-1", b"1": b"0"}.get(text)
        if other:
            self.add(start, end, other, "result exchanged")
        elif text != b"-ENOMEM" and re.fullmatch(rb"-E[A-Z0-9]+|[A-Z]+_E_[A-Z_]+|r", text):
            self.add(start, end, b"0", "error is success")

    def visit_integer(self, cursor, _):
        start = cursor.extent.start.offset
        found = NUMBER.match(self.text, start)
        if found:
            self.add_number(start, found.end())

    def add_number(self, start, end):
        text = self.text[start:end]
        value = int(text, 0) if not re.fullmatch(rb"0\d+", text) else int(text, 8)
        write = (lambda n: hex(n).encode()) if text[:2].lower() == b"0x" else (
            (lambda n: b"0%o" % n) if re.fullmatch(rb"0\d+", text) else (lambda n: b"%d" % n))
        self.add(start, end, write(value + 1), "one more")
        if value > 0:
            self.add(start, end, write(value - 1), "one less")

    def visit_unary(self, cursor, _):
        start, _end = self.span(cursor)
        if self.text[start:start + 1] == b"!":
            self.add(start, start + 1, b"", "negation lost")

    def visit_choice(self, cursor, children):
        spans = [self.span(child) for child in children]
        if len(spans) == 3 and spans[1][1] <= spans[2][0]:
            middle = self.text[spans[1][1]:spans[2][0]]
            if middle.strip() == b":":
                self.add(spans[1][0], spans[2][1], self.text[slice(*spans[2])] + middle +
                         self.text[slice(*spans[1])], "choices exchanged")


def arguments_of(build, top):
    """file: the words clang needs; None has those of a header."""
    result = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        folder = pathlib.Path(entry["directory"])
        words = shlex.split(entry["command"])[1:]
        kept = [f"-I{folder / word[2:]}" if word.startswith("-I") else word
                for before, word in zip([""] + words, words)
                if before == "-isystem" or word.startswith(("-I", "-D", "-isystem", "-std"))]
        path = pathlib.Path(folder / entry["file"]).resolve()
        if path.is_relative_to(top):
            result[str(path.relative_to(top))] = kept
    result[None] = ["-x", "c", "-std=gnu11", f"-I{top / 'src'}", "-D_GNU_SOURCE"]
    return result


TEXT_RULES = [
    (re.compile(rb"(?<=[\s(])(>|<|>=|<=|==)(?= )"), {b">": b"<", b"<": b">", b">=": b"<", b"<=": b">", b"==": b"!="}),
    (re.compile(rb"\b(and|unless|or)\b"), {b"and": b"unless", b"unless": b"and", b"or": b"and"}),
    (re.compile(rb"\b(min|max|sum|avg)\b(?= ?\(| by| without)"), {b"min": b"max", b"max": b"min", b"sum": b"max", b"avg": b"max"}),
    (re.compile(rb"\b(rate|increase)\b(?=\()"), {b"rate": b"increase", b"increase": b"rate"}),
]
TIME = re.compile(rb"(?<=[ \[])(\d+)([smhd])\b")
DECIMAL = re.compile(rb"(?<=[<>=*/] )(\d+(?:\.\d+)?)\b")
LABEL = re.compile(rb"(?<=[(,])\s*\w+,(?=[^()\[\]{}]*\))")
EXPRESSION = re.compile(rb'(?:"expr": "(?:[^"\\]|\\.)*"|^ *expr: *(?:[|>]-?\n(?:^ {8,}.*\n)+|.*\n)|^ *for: .*\n)', re.M)


def text_faults(path, text):
    """Rules and dashboards: only inside expressions, and how long an alert waits."""
    for expression in EXPRESSION.finditer(text):
        begin, part = expression.start(), expression.group()
        for rule, others in TEXT_RULES:
            for found in rule.finditer(part):
                yield Fault(path, begin + found.start(1), begin + found.end(1),
                            others[found.group(1)], "operator exchanged")
        for found in TIME.finditer(part):
            yield Fault(path, begin + found.start(1), begin + found.end(1),
                        b"%d" % (int(found.group(1)) * 3), "time tripled")
        for found in DECIMAL.finditer(part):
            yield Fault(path, begin + found.start(1), begin + found.end(1),
                        b"%g" % (float(found.group(1)) * 1.4 + 0.1), "threshold moved")
        for found in LABEL.finditer(part):
            yield Fault(path, begin + found.start(), begin + found.end(), b"", "label lost")


def all_faults(top, build, folders, say):
    """Every fault of the sources in these folders or files, in a stable order."""
    from clang import cindex  # Debian's python3-clang; only this command needs it

    arguments = arguments_of(build, top)
    result = []
    for folder in folders:
        paths = [top / folder] if (top / folder).is_file() else sorted((top / folder).rglob("*"))
        for file in paths:
            path = str(file.relative_to(top))
            if file.suffix in (".c", ".h"):
                if file.suffix == ".c" and path not in arguments:
                    say(f"{path}: not part of this build, left out")
                    continue
                words = arguments[path] if path in arguments else arguments[None]
                try:
                    result += Source(cindex, top, path, words).faults()
                except RuntimeError as error:
                    if file.suffix == ".c":
                        raise
                    say(str(error))
            elif file.suffix in (".yml", ".json") and not path.startswith(("tests/", "alerts/tests/")):
                result += text_faults(path, file.read_bytes())
    return list(dict.fromkeys(result))
