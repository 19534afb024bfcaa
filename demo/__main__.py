"""``make demo``: a person's way through Kage, typed into a real Neovim, each step checked on the screen."""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import time

from demo.driver import Missed, Terminal, find_neovim, framed
from demo.stage import Stage

TASK = "fix total so that its test passes"
STEER = "say in NOTES.md that it counts one by one"
UNSAVED = "This line is typed but not saved."


class Demo:
    """The steps in their order; each prints the screen that it waited for."""

    def __init__(self, stage: Stage, terminal: Terminal) -> None:
        self.stage = stage
        self.terminal = terminal
        self.step = 0

    def title(self, text: str, typed: str = "") -> None:
        """Begin a step."""
        self.step += 1
        print(f"\n{self.step:2}  {text}" + (f"\n    typed: {typed}" if typed else ""), flush=True)

    def show(self, screen: str) -> None:
        """Print a screen that was waited for."""
        print(framed(screen), flush=True)

    def expect(self, holds: bool, what: str) -> None:
        """Something outside the screen (git, a file, a process) must be so."""
        if not holds:
            raise Missed(what)
        print(f"    checked: {what}", flush=True)

    def edit(self) -> None:
        """The user's own work before any agent: one failing test, one unsaved line."""
        self.title("A shop with a failing test")
        passed, said = self.stage.tests()
        print("    " + said.replace("\n", "\n    "))
        self.expect(not passed, "python3 -m unittest fails")
        self.title("Neovim in tmux, with a line in NOTES.md that is not saved", "o… in NOTES.md")
        nvim = [find_neovim(), "-u", str(self.stage.init), "-i", "NONE", "prices.py"]
        self.terminal.open(nvim, self.stage.repository)
        self.terminal.wait(r"def total\(items\)", "prices.py in Neovim")
        self.terminal.command("edit NOTES.md")
        self.terminal.wait(r"adds a cart up", "NOTES.md in Neovim")
        self.terminal.type(f"3Go{UNSAVED}")
        self.terminal.keys("Escape")
        self.show(self.terminal.wait(rf"(?s)\A(?!.*INSERT).*{UNSAVED}.*NOTES.md \[\+\]", "the unsaved line"))
        self.terminal.command("buffer prices.py")
        self.terminal.wait(r"def total\(items\)", "prices.py again")

    def spawn(self) -> None:
        """Three agents, from a visual selection."""
        self.title("Three agents, from the selected function", f":'<,'>KageSpawn 3 {TASK}")
        self.terminal.type("/def total")
        self.terminal.keys("Enter")
        self.terminal.type("V5j:")
        self.terminal.wait(r"^:'<,'>", "the selection's range")
        self.terminal.type(f"KageSpawn 3 {TASK}", enter=True)
        self.terminal.wait(
            r"kage 1 · right(.|\n)*kage 2 · slow(.|\n)*kage 3 · breaks", "a pane for each agent", 30
        )
        self.terminal.wait(r" 1\S.* 2\S.* 3\S.*\$", "three agents in the statusline", 30)
        self.show(self.terminal.wait(r"● edit prices\.py", "an agent at work in its pane", 30))
        self.expect(len(self.terminal.panes()) == 4, "four panes: the editor and three agents")

    def steer(self) -> None:
        """Say something to an agent at work; look at the dashboard."""
        self.title("A word to agent 2 while it works", f":Kage send 2 {STEER}")
        self.terminal.command(f"Kage send 2 {STEER}")
        self.show(self.terminal.wait(r"I think about whether", "agent 2 at work", 30))
        self.terminal.wait(r"│.*say in NOTES\.md", "the steering message in agent 2's pane", 30)
        self.title("The dashboard", ":Kage")
        self.terminal.command("Kage")
        self.show(self.terminal.wait(r"run \S+ · base \w+", "the dashboard with the run"))
        self.terminal.type("q")
        self.title("All three are done")
        self.show(self.terminal.wait(r"1✓ 2✓ 3✓", "three agents done in the statusline", 60))

    def candidates(self) -> None:
        """What the agents made, read from Kage's store and tested outside of Kage."""
        self.title("What they made, read back from Kage's store")
        run = self.stage.status()[0]
        shown = self.stage.run("git", "--git-dir", run["store"], "show", f"{run['base']}:NOTES.md").stdout
        self.expect(UNSAVED in shown, "the agents started from the unsaved line too")
        on_disk = (self.stage.repository / "NOTES.md").read_text()
        self.expect(
            UNSAVED not in on_disk and not self.stage.git("status", "--short"), "nothing was written yet"
        )
        self.expect(len(run["candidates"]) == 3, "three candidates")
        verdicts = []
        for candidate in run["candidates"]:
            tree = self.stage.tree(run["store"], candidate["commit"], str(candidate["number"]))
            passed, said = self.stage.tests(tree)
            started = time.perf_counter()
            self.stage.run(
                "python3", "-B", "-c", "from prices import total; total([(1, 9_000_000)])", cwd=tree
            )
            seconds = time.perf_counter() - started
            changed = f"{candidate['files']} files +{candidate['added']} -{candidate['removed']}"
            result = said.splitlines()[-1]
            print(
                f"    {candidate['number']}  {changed:18} tests: {result:22} a large order: {seconds:.2f} s"
            )
            verdicts.append(passed)
        self.expect(verdicts == [True, True, False], "1 and 2 pass the tests, 3 breaks one")

    def judge(self) -> None:
        """What the project's own tests say of each, and who is best."""
        self.title("The verdict, on the project's own tests", ":Kage judge")
        self.terminal.wait(r"★1", "the winner in the statusline", 60)
        self.terminal.command("Kage judge")
        self.show(self.terminal.wait(r"candidate 1 is best(.|\n)*new failure", "the verdict", 60))
        self.terminal.type("q")
        self.terminal.wait(r"candidate 1 is best", "the verdict", gone=True)

    def compare(self) -> None:
        """Side by side; one hunk taken and given back."""
        self.title("Side by side, the panes put away", ":Kage hide, :KageDiff")
        self.terminal.command("Kage hide")
        self.terminal.wait(r"I read the code", "the agents' panes", gone=True)
        self.terminal.command("KageDiff")
        self.show(self.terminal.wait(r"price \+ quan.*price \* quan", "yours beside agent 1's"))
        self.title("Agent 2's version of this hunk", "2do")
        self.terminal.type("gg/price + quantity")
        self.terminal.keys("Enter")
        self.terminal.type("2do")
        self.show(
            self.terminal.wait(r"range\(quantity\).*range\(quantity\)", "agent 2's lines on the left too")
        )
        self.title("Taken back, and the next file", "u, ]f")
        self.terminal.type("u")
        self.terminal.wait(r"price \+ quan.*price \* quan", "the line as it was")
        self.terminal.type("]f")
        self.show(self.terminal.wait(r"Nothing yet.*multip", "NOTES.md side by side"))
        self.terminal.command("tabclose")

    def accept(self) -> None:
        """Land, take back byte for byte, land again."""
        before = self.stage.bytes()
        self.title("Accept agent 1", ":KageAccept 1")
        self.terminal.command("KageAccept 1")
        self.show(self.terminal.wait(r"result \+= price \* quantity", "the fixed line in the buffer"))
        self.expect(self.stage.tests()[0], "python3 -m unittest passes")
        self.title("Take it back", ":KageUndo")
        self.terminal.command("KageUndo")
        self.show(self.terminal.wait(r"result \+= price \+ quantity", "the line as it was"))
        self.expect(self.stage.bytes() == before, "every file is as before, byte for byte, .git included")
        self.title("Accept it for good, and save what is open", ":KageAccept 1, :wall")
        self.terminal.command("KageAccept 1")
        self.terminal.wait(r"result \+= price \* quantity", "the fixed line again")
        self.terminal.command("wall")
        self.terminal.command("edit NOTES.md")
        self.show(self.terminal.wait(rf"{UNSAVED}(.|\n)*multiplies price and quantity", "both in NOTES.md"))

    def leave(self) -> list[dict[str, object]]:
        """Free everything and quit; returns the runs as they were before."""
        runs = self.stage.status()
        self.title("Free the slots and quit", ":Kage clean, :qall")
        self.terminal.command("Kage clean")
        self.show(self.terminal.wait(r"\d✓", "the agents in the statusline", gone=True))
        self.expect(len(self.terminal.panes()) == 1, "one pane: the editor")
        self.terminal.command("qall")
        return runs

    def summary(self, runs: list[dict[str, object]]) -> None:
        """Nothing here is remembered: git, the tests, Kage and the process table are asked again."""
        self.title("Read back")
        for name, lines in (
            ("git status --short", self.stage.git("status", "--short")),
            ("git diff --stat", self.stage.git("diff", "--stat")),
            (
                "git diff -U0 prices.py",
                "\n".join(self.stage.git("diff", "-U0", "prices.py").splitlines()[-2:]),
            ),
            ("git worktree list", self.stage.git("worktree", "list")),
            ("git for-each-ref", self.stage.git("for-each-ref", "--format=%(refname)")),
            ("python3 -m unittest", self.stage.tests()[1]),
        ):
            print(f"    $ {name}\n" + "\n".join(f"      {line}" for line in lines.splitlines()))
        landed = runs[0]["landed"] if runs else None
        print(f"    kage status --json, before the clean: landed {landed}; after: {self.stage.status()}")
        self.expect(landed == 1, "candidate 1 is the one that landed")
        self.expect(self.stage.status() == [], "no run is left")
        self.expect(self.stage.tests()[0], "the tests pass")
        self.expect(self.stage.git("diff", "--name-only") == "NOTES.md\nprices.py", "two files changed")
        self.expect(
            self.stage.git("for-each-ref", "--format=%(refname)") == "refs/heads/main", "no ref was added"
        )
        self.terminal.close()
        left = self.stage.left(20)
        self.expect(not left, "no process is left" if not left else f"left: {left}")


def main() -> int:
    """Play it; 0 when every step happened."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", action="store_true", help="stay in that Neovim instead of leaving")
    keep: bool = parser.parse_args().keep
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    stage = Stage()
    terminal = Terminal(stage.folder, stage.environment)
    demo = Demo(stage, terminal)
    try:
        demo.edit()
        demo.spawn()
        demo.steer()
        demo.candidates()
        demo.judge()
        demo.compare()
        demo.accept()
        if keep:
            stay(stage, terminal)
        else:
            demo.summary(demo.leave())
            print(f"\nAll {demo.step} steps happened.")
    except (Missed, RuntimeError, subprocess.SubprocessError) as error:
        print(f"\nThe demo stopped at step {demo.step}: {error}\n{stage.log()}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        terminal.close()
        stage.remove()
    return 0


def stay(stage: Stage, terminal: Terminal) -> None:
    """Hand the terminal over; everything is removed once its user has left."""
    terminal.leave()
    print(f"\nYou are in {stage.repository}; quit Neovim or detach to end the demo.", flush=True)
    terminal.attach()


if __name__ == "__main__":
    sys.exit(main())
