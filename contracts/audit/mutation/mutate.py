#!/usr/bin/env python3
"""mutate.py applies each mutant of mutants.txt to a copy of the contracts and runs the forge tests on it.

    mutate.py [--forge PATH] [--jobs N] [--only ID,ID] [--report FILE]

A mutant is killed when a test fails, survives when all pass, and is broken when it does not compile or its text is not found.
Exit status 1 when fewer than 95 % of those that are not marked equivalent are killed, when one is broken, or when one that
is marked equivalent is killed (then it is none).
"""
import argparse, concurrent.futures, pathlib, re, shutil, subprocess, sys, tempfile, threading, time

HERE = pathlib.Path(__file__).resolve().parent
CONTRACTS = HERE.parent.parent
TIMEOUT_SECONDS = 300
BAR = 0.95


class Mutant:
    def __init__(self, head, line):
        m = re.fullmatch(r"@ (\S+) (\S+\.sol)(?: #(\d+))? (.+)", head)
        if not m:
            sys.exit(f"mutants.txt:{line}: want '@ ID FILE [#N] TITLE', have {head!r}")
        self.id, self.file, nth, self.title = m.groups()
        self.nth = int(nth) if nth else 0
        self.old, self.new, self.reason = [], [], None

    def apply(self, text):
        """Returns the mutated text, or None when the old text is not there exactly as often as it should be."""
        old, new = "\n".join(self.old), "\n".join(self.new)
        parts = text.split(old)
        if len(parts) == 1 or (not self.nth and len(parts) != 2) or self.nth >= len(parts):
            return None
        n = self.nth or 1
        return old.join(parts[:n]) + new + old.join(parts[n:])


def parse(text):
    mutants, side = [], None
    for line, raw in enumerate(text.splitlines(), 1):
        if raw.startswith("@ "):
            mutants.append(Mutant(raw, line))
            side = None
        elif raw.startswith("#") or not raw.strip():
            side = None if not raw.strip() else side
        elif raw.startswith("= "):
            mutants[-1].reason = raw[2:]
        elif raw.startswith(("- ", "+ ")) or raw in ("-", "+"):
            side = mutants[-1].old if raw[0] == "-" else mutants[-1].new
            side.append(raw[2:])
        else:
            side.append(raw)
    seen = set()
    for m in mutants:
        if m.id in seen:
            sys.exit(f"mutants.txt: {m.id} stands twice")
        seen.add(m.id)
    return mutants


class Workplace:
    """A copy of the contracts of one thread. Compiled tests are kept between mutants; only src changes."""

    def __init__(self, root, forge):
        self.dir = pathlib.Path(tempfile.mkdtemp(dir=root))
        self.forge = forge
        for name in ("src", "test", "vectors", "tools"):
            shutil.copytree(CONTRACTS / name, self.dir / name)
        for name in ("foundry.toml", "package.json"):
            shutil.copy(CONTRACTS / name, self.dir / name)
        (self.dir / "node_modules").symlink_to(CONTRACTS / "node_modules")

    def test(self):
        env = {"FOUNDRY_PROFILE": "mutation", "PATH": __import__("os").environ["PATH"], "HOME": str(self.dir)}
        args = [self.forge, "test", "--fail-fast", "--no-match-contract", "GasTest|Invariant"]
        try:
            done = subprocess.run(args, cwd=self.dir, env=env, capture_output=True, text=True, timeout=TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            return "killed", "ran past its time"
        out = done.stdout + done.stderr
        if done.returncode == 0:
            return "survived", ""
        if "Compiler run failed" in out or "Error: Compilation failed" in out:
            return "broken", re.sub(r"\s+", " ", out[out.find("Error"):])[:300]
        failed = re.search(r"\[FAIL[^\]]*\] (\w+)", out)
        return ("killed", failed.group(1)) if failed else ("broken", re.sub(r"\s+", " ", out[-300:]))

    def judge(self, mutant):
        file = self.dir / "src" / mutant.file
        whole = file.read_text()
        mutated = mutant.apply(whole)
        if mutated is None:
            return "broken", "its text is not in the file as often as it says"
        file.write_text(mutated)
        try:
            return self.test()
        finally:
            file.write_text(whole)


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--forge", default=str(CONTRACTS / "node_modules/@foundry-rs/forge-linux-amd64/bin/forge"))
    args.add_argument("--jobs", type=int, default=2)
    args.add_argument("--only", default="")
    args.add_argument("--report", default="")
    args = args.parse_args()
    mutants = parse((HERE / "mutants.txt").read_text())
    if args.only:
        mutants = [m for m in mutants if m.id in args.only.split(",")]
    start, places = time.monotonic(), threading.local()
    with tempfile.TemporaryDirectory(prefix="flotilla-mutants-") as root:
        def judge(mutant):
            if not hasattr(places, "here"):
                places.here = Workplace(root, args.forge)
            verdict, why = places.here.judge(mutant)
            print(f"{mutant.id} {verdict:8} {mutant.file}: {mutant.title}{' (' + why + ')' if why else ''}", flush=True)
            return mutant, verdict, why
        clean = Workplace(root, args.forge).test()
        if clean[0] != "survived":
            sys.exit(f"the tests fail without a mutant: {clean}")
        with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
            results = list(pool.map(judge, mutants))
    return report(results, time.monotonic() - start, args.report)


def report(results, seconds, file):
    real = [r for r in results if not r[0].reason]
    equivalent = [r for r in results if r[0].reason]
    killed = [r for r in real if r[1] == "killed"]
    wrong = [r for r in results if r[1] == "broken"] + [r for r in equivalent if r[1] == "killed"]
    lines = [f"{len(killed)} of {len(real)} mutants killed ({len(killed) / max(1, len(real)):.1%}), "
             f"{len(equivalent)} equivalent, in {seconds / 60:.0f} minutes"]
    lines += [f"survived: {m.id} {m.file}: {m.title}" for m, verdict, _ in real if verdict == "survived"]
    lines += [f"equivalent: {m.id} {m.file}: {m.title}: {m.reason}" for m, _, _ in equivalent]
    lines += [f"wrong: {m.id} is {verdict}: {why}" for m, verdict, why in wrong]
    print("\n".join(lines))
    if file:
        pathlib.Path(file).write_text("\n".join(lines) + "\n")
    return 1 if wrong or len(killed) < BAR * len(real) else 0


if __name__ == "__main__":
    sys.exit(main())
