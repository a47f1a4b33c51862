#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Every method of the contract has its row in the action table, and every action of the table is one
of the policy's; no row and no action is left over."""

import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree

ROW = re.compile(r'\{ (MANAGER|NETWORK), "(\w+)", ACTION "([\w-]+)", (?:true|false) \}')
INTERFACES = {"MANAGER": "org.jumpstarter.DutNetwork.Manager", "NETWORK": "org.jumpstarter.DutNetwork"}


def methods_of_contract(top):
    methods = set()
    for path in (top / "introspection").glob("*.xml"):
        for interface in ElementTree.parse(path).getroot().iter("interface"):
            for method in interface.iter("method"):
                methods.add((interface.get("name"), method.get("name")))
    return methods


def actions_of_policy(top):
    root = ElementTree.parse(top / "polkit" / "org.jumpstarter.DutNetwork.policy").getroot()
    return {action.get("id") for action in root.iter("action")}


def main():
    top = pathlib.Path(sys.argv[1])
    rows = ROW.findall((top / "polkit" / "actions.c").read_text())
    listed = {(INTERFACES[macro], member) for macro, member, _ in rows}
    used = {f"org.jumpstarter.DutNetwork.{action}" for _, _, action in rows}
    methods = methods_of_contract(top)
    policy = actions_of_policy(top)
    problems = (
        [f"{interface}.{member}: no action" for interface, member in methods - listed]
        + [f"{interface}.{member}: no such method" for interface, member in listed - methods]
        + [f"{action}: not in the policy" for action in used - policy]
        + [f"{action}: no method asks for it" for action in policy - used]
    )
    print("\n".join(problems) if problems else f"{len(listed)} methods, {len(policy)} actions")
    return 1 if problems or not listed else 0


if __name__ == "__main__":
    sys.exit(main())
