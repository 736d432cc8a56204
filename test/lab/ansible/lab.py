"""Ansible's way into a host of a lab: nsenter, while the host answers whom it is to answer."""

import subprocess

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.connection import ConnectionBase

DOCUMENTATION = """
name: lab
short_description: Runs commands in a host of a lab
description: Enters the namespaces of a host. All has to come by pipelining, so that nothing is written to a disk on its way.
author: netgen
extends_documentation_fragment: [connection_pipelining]
options:
  pid:
    description: Process 1 of the host.
    vars: [{name: lab_pid}]
    required: true
  way:
    description: A command of the shell that ends with 0 while the operator can reach the host.
    vars: [{name: lab_way}]
    default: "true"
"""

ENVIRONMENT = ["env", "-i", "HOME=/root", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]


class Connection(ConnectionBase):
    transport = "lab"
    has_pipelining = True

    def _connect(self):
        if subprocess.run(["sh", "-c", self.get_option("way")], capture_output=True).returncode != 0:
            raise AnsibleConnectionFailure("nobody answers")
        return self

    def exec_command(self, cmd, in_data=None, sudoable=True):
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        inside = ["nsenter", "-t", str(self.get_option("pid")), "-n", "-m", "-p", "-u", "--", *ENVIRONMENT]
        done = subprocess.run([*inside, "sh", "-c", cmd], input=in_data or b"", capture_output=True)
        return done.returncode, done.stdout, done.stderr

    def put_file(self, in_path, out_path):
        raise AnsibleError(f"{out_path} would be written to the host's disk")

    def fetch_file(self, in_path, out_path):
        raise AnsibleError(f"{in_path} would be written to this disk")

    def reset(self):
        self.close()

    def close(self):
        self._connected = False
