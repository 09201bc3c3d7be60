#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""terminal.py COLUMNSxROWS <BYTES >SVG: the screen of a terminal that was sent these bytes.

It is the last screen that had a status line, so what stands there while the monitor watches.
Understood is what the command sends: text, CR, LF, erasing, colors, wrapping on and off. Anything
else is an error, so that no picture shows what no terminal would.
"""
import re
import sys
from html import escape

CELL, LINE, SIZE, MARGIN = 7.8, 18, 13, 14
SEQUENCE = re.compile(r'\033\[([?0-9;]*)([A-Za-z])')
CLASSES = {'31': 'bad', '32': 'good', '33': 'warn'}
STYLE = '''
.back { fill: #ffffff; stroke: #d0d7de }
text { font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #1f2328; white-space: pre }
.strong { font-weight: bold }
.bad { fill: #cf222e } .good { fill: #1a7f37 } .warn { fill: #9a6700 }
.status { fill: #eaeef2 }
@media (prefers-color-scheme: dark) {
.back { fill: #0d1117; stroke: #30363d }
text { fill: #e6edf3 }
.bad { fill: #ff7b72 } .good { fill: #3fb950 } .warn { fill: #d29922 }
.status { fill: #21262d }
}
'''


class Screen:
    """Rows of cells; a cell is a character and its classes."""

    def __init__(self, columns, rows):
        self.columns, self.rows = columns, rows
        self.cells = [[]]
        self.x = self.y = 0
        self.wrap = True
        self.paint = ()

    def feed(self, line=False):
        if line:
            self.y += 1
        while len(self.cells) <= self.y:
            self.cells.append([])
        while len(self.cells) > self.rows:
            self.cells.pop(0)
            self.y -= 1

    def put(self, char):
        if self.x >= self.columns:
            if not self.wrap:
                return
            self.x = 0
            self.feed(line=True)
        row = self.cells[self.y]
        row.extend([(' ', ())] * (self.x + 1 - len(row)))
        row[self.x] = (char, self.paint)
        self.x += 1

    def sequence(self, argument, letter):
        if letter == 'J' and argument in ('', '0'):
            del self.cells[self.y][self.x:]
            del self.cells[self.y + 1:]
        elif argument == '?7':
            self.wrap = letter == 'h'
        elif letter == 'm':
            for part in (argument or '0').split(';'):
                if part == '0':
                    self.paint = ()
                elif part == '1':
                    self.paint += ('strong',)
                else:
                    self.paint += (CLASSES[part],)
        else:
            sys.exit(f'terminal.py: ESC [ {argument}{letter} is not understood')

    def write(self, text):
        """Yields the screen each time that a status line has been drawn."""
        at = 0
        while at < len(text):
            found = SEQUENCE.match(text, at)
            if found:
                self.sequence(*found.groups())
                at = found.end()
                if found[0] == '\033[?7h':
                    yield [list(row) for row in self.cells], self.y
                continue
            char = text[at]
            at += 1
            if char == '\r':
                self.x = 0
            elif char == '\n':
                self.feed(line=True)
            elif char < ' ':
                sys.exit(f'terminal.py: the character {char!r} is not understood')
            else:
                self.put(char)


def runs(row):
    """[(column, text, classes)]: cells of one look, without the blanks around them."""
    found = []
    for x, (char, paint) in enumerate(row):
        if found and found[-1][2] == paint and found[-1][0] + len(found[-1][1]) == x:
            found[-1][1] += char
        else:
            found.append([x, char, paint])
    for x, text, paint in found:
        kept = text.lstrip(' ')
        x += len(text) - len(kept)
        kept = kept.rstrip(' ')
        if kept:
            yield x, kept, paint


def svg(cells, status, columns):
    width = round(columns * CELL + 2 * MARGIN)
    height = len(cells) * LINE + 2 * MARGIN
    words = escape(''.join(char for char, _ in cells[status]).strip())
    yield (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
           f'viewBox="0 0 {width} {height}" role="img" aria-labelledby="t">')
    yield '<!-- SPDX-License-Identifier: GPL-2.0-only; made by make pictures -->'
    yield f'<title id="t">ext4race-detect on a terminal while the kernel races: {words}</title>'
    yield f'<style>{STYLE}</style>'
    yield f'<rect class="back" x=".5" y=".5" width="{width - 1}" height="{height - 1}" rx="6"/>'
    yield (f'<rect class="status" x="{MARGIN // 2}" y="{MARGIN + status * LINE}" '
           f'width="{width - MARGIN}" height="{LINE}"/>')
    for y, row in enumerate(cells):
        base = MARGIN + y * LINE + SIZE
        for x, text, paint in runs(row):
            look = f' class="{" ".join(paint)}"' if paint else ''
            # The width of a cell is the picture's, whatever font the reader has.
            yield (f'<text x="{MARGIN + x * CELL:.1f}" y="{base}" textLength="{len(text) * CELL:.1f}" '
                   f'lengthAdjust="spacingAndGlyphs" xml:space="preserve"{look}>{escape(text)}</text>')
    yield '</svg>'


def main():
    columns, rows = map(int, sys.argv[1].split('x'))
    shown = None
    for shown in Screen(columns, rows).write(sys.stdin.buffer.read().decode()):
        pass
    if not shown:
        sys.exit('terminal.py: no status line was drawn')
    print('\n'.join(svg(*shown, columns)))


if __name__ == '__main__':
    main()
