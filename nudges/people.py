"""Whom to tell about a team's goals: its lead, else who stands in for them, else the lead of a group above."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from accounts.models import Place, User
from teams.models import Membership, Team

from . import hours, routes


@dataclass(frozen=True, slots=True)
class Addressee:
    """Who is told about a team's goals, and why: as lead of `leads`, in place of `instead`, who is away."""

    person: User
    leads: Team
    team: Team
    instead: User | None = None
    stands_in_for: User | None = None
    """the lead of `leads`, whose deputy the person is while they are away"""
    above: User | None = None
    """who hears next, as leader of a group above"""
    since: datetime | None = None
    """from when the person leads the team itself, where that is known"""

    @property
    def zone(self) -> str:
        """The zone of the person's working hours."""
        return self.person.time_zone or self.leads.time_zone


class Org:
    """The org tree with its leads, read once."""

    def __init__(
        self,
        teams: Mapping[int, Team],
        leads: Mapping[int, list[User]],
        since: Mapping[tuple[int, int], datetime | None],
        places: Collection[tuple[int, str]] = (),
    ) -> None:
        self.teams = teams
        self.leads = leads
        self.since = since
        """by team and person: from when they lead it"""
        self.places = places
        """person and key of the nodes whose affairs a deputy shares"""

    @classmethod
    def read(cls) -> Org:
        """Two queries, however large the tree, and one more where leads have deputies."""
        leads: dict[int, list[User]] = defaultdict(list)
        since: dict[tuple[int, int], datetime | None] = {}
        rows = Membership.objects.filter(role=Membership.Role.LEAD).select_related("user__route", "user__deputy__route")
        for membership in rows.order_by("team", "user__email"):
            leads[membership.team_id].append(membership.user)
            since[membership.team_id, membership.user_id] = membership.since
        deputies = {person.deputy_id for found in leads.values() for person in found if person.deputy_id}
        places = set(Place.objects.filter(user__in=deputies).values_list("user_id", "key")) if deputies else set()
        return cls(Team.objects.in_bulk(), leads, since, places)

    def addressee(self, team_id: int, now: datetime | None, audiences: Collection[str] = ()) -> Addressee | None:
        """Who to tell about a team: the first lead, going up, who is here and can be reached, or else, where they are
        away, their deputy; without a moment, whoever is away now or then counts as here.

        A deputy is told of nothing that they may not see: `audiences` are the groups that the team's programs are
        kept to, and whoever shares the affairs of all of them may stand in.

        Somebody who muted nudges can be reached: their wish is kept, not passed on to whom they report to. Where
        nobody can be reached it is the first lead there is, so that what is withheld is on record under a name.
        """
        team = self.teams[team_id]
        first: Addressee | None = None
        absent: User | None = None
        for above in self._upwards(team):
            for person in self.leads.get(above.pk, ()):
                since = self.since.get((team_id, person.pk)) if above.pk == team_id else None
                found = Addressee(person, above, team, absent, since=since)
                if can_be_told(found, now):
                    return found
                first = first or found
                absent = absent or person
            for person in self.leads.get(above.pk, ()):
                deputy = self._deputy(person, above, now, audiences)
                if deputy is not None:
                    return Addressee(deputy, above, team, absent, stands_in_for=person)
        return first

    def _deputy(self, away: User, leads: Team, now: datetime | None, audiences: Collection[str]) -> User | None:
        """Who stands in for a lead who is away, if they can be told themselves."""
        deputy = away.deputy
        if deputy is None or now is None or not away.is_active or not is_away(away, leads, now):
            return None
        sees = deputy.is_superuser or all((deputy.pk, key) in self.places for key in audiences if key)
        told = can_be_told(Addressee(deputy, leads, leads), now) and not deputy.reads_only
        return deputy if sees and told else None

    def next_above(self, told: Addressee) -> User | None:
        """Who hears next of what somebody is told: the first leader, going up from what that person leads, who can be
        reached; one who is away hears when they are back, so that nobody further up hears in their place."""
        for above in self._upwards(told.leads):
            for person in self.leads.get(above.pk, ()) if above.pk != told.leads.pk else ():
                others = (told.person.pk, told.stands_in_for.pk if told.stands_in_for else None)
                if person.pk not in others and can_be_told(Addressee(person, above, told.team), None):
                    return person
        return None

    def zone_of_leader(self, person: User) -> str:
        """A person's zone: their own, else that of the first group or team, by key, that they lead."""
        led = [self.teams[team] for team, leads in self.leads.items() if any(lead.pk == person.pk for lead in leads)]
        return person.time_zone or min(led, key=lambda team: team.key).time_zone

    def zone_of(self, person: User) -> str:
        """A person's zone, whether they lead anything or not."""
        leads = any(one.pk == person.pk for found in self.leads.values() for one in found)
        return self.zone_of_leader(person) if leads else person.time_zone or "UTC"

    def led_above(self, team_id: int, person: int) -> Team | None:
        """What somebody leads above a team, the nearest; None for nothing."""
        for above in self._upwards(self.teams[team_id]):
            if above.pk != team_id and any(lead.pk == person for lead in self.leads.get(above.pk, ())):
                return above
        return None

    def leader_above(self, team_id: int) -> tuple[User | None, Team | None]:
        """Who looks after a team's group: the first lead of a group above it, going up, and of which; or nobody."""
        for above in self._upwards(self.teams[team_id]):
            active = [person for person in self.leads.get(above.pk, ()) if person.is_active]
            if above.pk != team_id and active:
                return active[0], above
        return None, None

    def _upwards(self, team: Team) -> Iterator[Team]:
        seen: set[int] = set()
        above: Team | None = team
        while above is not None and above.pk not in seen:
            seen.add(above.pk)
            yield above
            above = self.teams.get(above.parent_id) if above.parent_id else None


def can_be_told(addressee: Addressee, now: datetime | None) -> bool:
    """Whether the person is active, has a place that works, and is not away today (of a moment, if one is given)."""
    person = addressee.person
    if not person.is_active or routes.is_cut_off(person):
        return False
    return now is None or not is_away(person, addressee.leads, now)


def is_away(person: User, leads: Team, now: datetime) -> bool:
    """Whether a person is away on their own today; their zone is that of what they lead unless they have one."""
    return person.is_away(now.astimezone(hours.zone(person.time_zone or leads.time_zone)).date())


def zones(addressees: Iterable[Addressee]) -> dict[int, str]:
    """Each person's one zone: their own, else that of the first team, by key, they are told about as its lead."""
    found: dict[int, str] = {}
    for one in sorted(addressees, key=lambda a: (a.leads.key, a.person.pk)):
        found.setdefault(one.person.pk, one.zone)
    return found
