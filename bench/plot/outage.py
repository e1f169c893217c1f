"""Draws the outage. Usage: outage.py MEASURED PLOT.svg, where MEASURED is what bench_outage printed."""
import sys

WIDTH, HEIGHT, MARGIN = 720, 320, 50
FROM, TO = 90, 240  # seconds shown
OUTAGE = (120, 180)
LINES = (("retries only", 3, "#c40"), ("claudio", 2, "#06c"), ("wanted", 1, "#888"))

rows = [tuple(map(int, line.split())) for line in open(sys.argv[1], encoding="utf-8")]
rows = [row for row in rows if FROM <= row[0] <= TO]
most = max(max(row[1:]) for row in rows) * 1.05


def x(second):
    return MARGIN + (second - FROM) / (TO - FROM) * (WIDTH - 2 * MARGIN)


def y(calls):
    return HEIGHT - MARGIN - calls / most * (HEIGHT - 2 * MARGIN)


parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
         f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
         f'<rect x="{x(OUTAGE[0]):.0f}" y="{MARGIN}" width="{x(OUTAGE[1]) - x(OUTAGE[0]):.0f}" height="{HEIGHT - 2 * MARGIN}" fill="#fee"/>',
         f'<text x="{x(sum(OUTAGE) / 2):.0f}" y="{MARGIN - 8}" text-anchor="middle" fill="#a00">the provider answers nothing</text>',
         f'<path d="M{MARGIN} {MARGIN}V{HEIGHT - MARGIN}H{WIDTH - MARGIN}" fill="none" stroke="#888"/>',
         f'<text x="{WIDTH / 2}" y="{HEIGHT - 10}" text-anchor="middle">seconds</text>',
         f'<text x="{MARGIN - 6}" y="{MARGIN - 8}" text-anchor="start">calls sent per second</text>']
for second in range(FROM, TO + 1, 30):
    parts.append(f'<text x="{x(second):.0f}" y="{HEIGHT - MARGIN + 16}" text-anchor="middle">{second}</text>')
for calls in range(0, int(most) + 1, 100):
    parts.append(f'<text x="{MARGIN - 6}" y="{y(calls) + 4:.0f}" text-anchor="end">{calls}</text>')
for i, (name, column, colour) in enumerate(LINES):
    line = " ".join(f"{x(row[0]):.1f},{y(row[column]):.1f}" for row in rows)
    parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
    parts.append(f'<text x="{WIDTH - MARGIN}" y="{MARGIN + 16 * i}" text-anchor="end" fill="{colour}">{name}</text>')
parts.append("</svg>")
with open(sys.argv[2], "w", encoding="utf-8") as out:
    out.write("\n".join(parts) + "\n")
