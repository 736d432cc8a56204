#!/usr/bin/python
"""Runs the apply of a bundle that is staged on the host."""

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = """
module: netgen_apply
short_description: Makes a host what its bundle says
description: Runs the bundle's own apply. In check mode it says what that would do, as a diff and in words.
options:
  program: {description: The apply of the bundle., type: path, required: true}
  host: {description: "The host's name in the topology, where the host calls itself otherwise.", type: str}
  confirm_within: {description: Seconds after which the change is taken back unless it is confirmed., type: int, default: 120}
author: netgen
"""
RETURN = """
armed: {description: The change goes back unless it is confirmed., type: bool, returned: always}
"""


def main():
    module = AnsibleModule(
        argument_spec={
            "program": {"type": "path", "required": True},
            "host": {"type": "str"},
            "confirm_within": {"type": "int", "default": 120},
        },
        supports_check_mode=True,
    )
    host, seconds = module.params["host"], module.params["confirm_within"]
    command = ["bash", module.params["program"]] + (["--host", host] if host else [])

    def apply(*options):
        """Runs it; 2 is a refusal: nothing was touched."""
        status, said, complaint = module.run_command(command + list(options))
        if status not in (0, 1):
            module.fail_json(msg=complaint.strip() or said.strip(), rc=status)
        return status, said

    status, planned = apply("--check", "--diff")
    result = {"changed": status == 1, "armed": False, "diff": {"prepared": planned}, "stdout": planned}
    if not module.check_mode:
        status, said = apply("--confirm-within", str(seconds))
        lines = said.splitlines()
        result.update(stdout=said, armed=any(line.startswith("armed ") for line in lines))
        for line in lines:
            if line.startswith(("pending ", "kept ", "still ")):
                module.warn(line)
        if status != 0:
            module.fail_json(msg="\n".join(line for line in lines if line.startswith(("lost ", "back ", "halfway "))), **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
