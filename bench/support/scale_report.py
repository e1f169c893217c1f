"""Makes a Markdown table and an SVG plot of what bench_scale printed. Usage: scale_report.py MEASURED PLOT.svg"""
import math
import sys

WIDTH, HEIGHT, MARGIN = 720, 380, 60


def read(path):
    rows = []
    for line in open(path, encoding="utf-8"):
        threads, kind, *numbers = line.split()
        rows.append((int(threads), kind, int(numbers[0]), *map(float, numbers[1:])))
    return rows


def table(rows):
    print("| threads | managers | in flight | calls/s | CPU µs per call | KiB per call | p50 ms | p99 ms |")
    print("|---|---|---|---|---|---|---|---|")
    for threads, kind, in_flight, rate, cpu, kib, median, late in rows:
        managers = 1 if kind == "one" else threads
        print(f"| {threads} | {managers} | {in_flight:,} | {rate:,.0f} | {cpu:.1f} | {kib:.1f} | {median:.0f} | {late:.0f} |")


def plot(rows, path):
    one = [row for row in rows if row[0] == 1]
    last = math.log10(max(row[2] for row in one))
    most = {column: max(row[column] for row in one) * 1.1 for column in (3, 4)}

    def place(row, column):
        x = MARGIN + math.log10(row[2]) / last * (WIDTH - 2 * MARGIN)
        return x, HEIGHT - MARGIN - row[column] / most[column] * (HEIGHT - 2 * MARGIN)

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
             f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
             f'<path d="M{MARGIN} {MARGIN}V{HEIGHT - MARGIN}H{WIDTH - MARGIN}V{MARGIN}" fill="none" stroke="#888"/>']
    for row in one:
        x, _ = place(row, 3)
        parts.append(f'<text x="{x:.0f}" y="{HEIGHT - MARGIN + 18}" text-anchor="middle">{row[2]:,}</text>')
    parts.append(f'<text x="{WIDTH / 2}" y="{HEIGHT - 12}" text-anchor="middle">calls in flight, one thread, 200 ms upstream</text>')
    for column, name, colour, x, anchor in ((3, "calls per second", "#06c", MARGIN, "start"),
                                            (4, "CPU µs per call", "#c40", WIDTH - MARGIN, "end")):
        points = [place(row, column) for row in one]
        parts.append(f'<text x="{x}" y="{MARGIN - 14}" text-anchor="{anchor}" fill="{colour}">{name}</text>')
        line = " ".join(f"{px:.1f},{py:.1f}" for px, py in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for (px, py), row in zip(points, one):
            parts.append(f'<circle cx="{px:.1f}" cy="{py:.1f}" r="3" fill="{colour}"/>')
            parts.append(f'<text x="{px:.1f}" y="{py - 7:.1f}" text-anchor="middle" fill="{colour}">{row[column]:,.0f}</text>')
    parts.append("</svg>")
    with open(path, "w", encoding="utf-8") as out:
        out.write("\n".join(parts) + "\n")


rows = read(sys.argv[1])
table(rows)
plot(rows, sys.argv[2])
