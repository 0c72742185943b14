"""The types of the JavaScript client, by the compiler of TypeScript."""
import json
import os
import re
import subprocess

import pytest
import subject
from test_interop import node_environment

pytestmark = pytest.mark.once

CLIENT = os.path.join(
    subject.CHECKOUT, 'django_patch', 'django', 'channels', 'static', 'channels', 'js', 'websocketbridge')
USE = os.path.join(subject.CHECKOUT, 'tests', 'types', 'bridge.ts')


def test_right_code_has_types_and_wrong_code_is_flagged(tmp_path):
    modules = node_environment()['NODE_PATH']
    config = {
        'compilerOptions': {
            'strict': True, 'noEmit': True, 'lib': ['es2020', 'dom'], 'module': 'esnext', 'moduleResolution': 'node',
            'allowUmdGlobalAccess': True, 'types': [], 'paths': {'websocketbridge': [CLIENT]}, 'baseUrl': '/',
        },
        'files': [USE],
    }
    (tmp_path / 'tsconfig.json').write_text(json.dumps(config))
    result = subprocess.run(
        ['node', os.path.join(modules, 'typescript', 'bin', 'tsc'), '-p', str(tmp_path)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True)
    assert result.returncode == 0, result.stdout


def test_what_the_client_has_is_typed():
    with open(CLIENT + '.js', encoding='utf-8') as source, open(CLIENT + '.d.ts', encoding='utf-8') as types:
        source, types = source.read(), types.read()
    names = re.findall(r'^  (?:WebSocketBridge|ReconnectingSocket)\.prototype\.([a-z]\w*) =', source, re.MULTILINE)
    names += re.findall(r"^  Object\.defineProperty\(\w+\.prototype, '(\w+)'", source, re.MULTILINE)
    options = source[source.index('var DEFAULTS'):source.index('FINAL_CODES')]
    names += re.findall(r'^    (\w+): ', options, re.MULTILINE)
    assert len(names) > 15
    assert [name for name in names if not re.search(r'\b%s\b' % name, types)] == []
