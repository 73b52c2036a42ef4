"""Goals in bulk on the desk: what a line would mean, said before it is saved, and saved as it was said."""

from __future__ import annotations

import pytest

from tests.people import settle

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return settle()


def test_shows(client, world):
    client.force_login(world.tess)
    answer = client.get("/programs/typing/desk/goals/new")
    assert answer.status_code == 200, answer.content.decode()
    print(answer.content.decode())
    answer = client.get("/programs/typing/desk/goals/1/")
    assert answer.status_code == 200, answer.content.decode()
    answer = client.get("/programs/typing/desk/goals/new/preview")
    assert answer.status_code == 200, answer.content.decode()
