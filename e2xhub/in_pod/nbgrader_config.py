"""nbgrader in a server of the hub: an exchange in which people have directories of their own.

The hub mounts this file read-only. It works with plain nbgrader and with e2xgrader, and takes
values from the server's variables. A course's own nbgrader_config.py is read later and wins.
Whatever students change, their servers have no directory of anybody else.
"""

import errno
import os
import re
import shutil
import sqlite3
import stat
import tempfile
from contextlib import closing
from datetime import datetime, timedelta, timezone
from fnmatch import fnmatch
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path
from threading import Thread
from urllib.parse import quote
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener
from weakref import WeakSet

from nbgrader.api import Gradebook, MissingEntry
from nbgrader.exchange import default
from sqlalchemy import event
from sqlalchemy.orm import Session
from traitlets.log import get_logger

ROLE = os.environ.get("E2XHUB_ROLE", "student")
OWN_OUTBOUND = os.environ.get("NBGRADER_PERSONALIZED_OUTBOUND") == "1"
SUBMISSION = re.compile(r"[^+]*\+(?P<assignment>[^+]+)\+(?P<timestamp>[^+]+)(\+[^+]*)?")
CONFIGURATION = re.compile(r"(nbgrader|ipython.*|jupyter.*)_config\.(py|json|d)", re.IGNORECASE)
# As nbgrader writes it, in UTC; later, nbgrader converts moments to other time zones, which fails
# at both ends of the calendar.
TIME = "%Y-%m-%d %H:%M:%S.%f UTC"
EARLIEST = datetime(2000, 1, 1)  # noqa: DTZ001 - nbgrader's times are UTC without saying so
NO_TIME = "no submission of a possible time; expected one such as '2026-11-20 10:00:00.000000 UTC'"
BLOCK_BYTES = 4096
DEEPEST = 30
HUB_SECONDS = 5
LOCK_SECONDS = 2
READ_ONLY = "mode=ro"


class SharedExchange:
    """What every step needs: the hub has made the directories and decides who writes to them."""

    def ensure_root(self):
        if not self.place().is_dir():
            self.fail(f"There is no exchange at {self.place()}: this server has not been given one")

    def ensure_directory(self, path, mode):
        if not Path(path).is_dir():
            Path(path).mkdir(parents=True)
            Path(path).chmod(mode)

    def place(self, *names):
        if not self.coursedir.course_id:
            self.fail("No course id specified. Re-run with --course flag.")
        return Path(self.root, self.coursedir.course_id, *names)

    def students(self, *names):
        """Who has a directory; `--student` chooses one of them."""
        places = [self.place(name) for name in names]
        found = {
            entry.name
            for place in places
            if place.is_dir()
            for entry in os.scandir(place)
            if entry.is_dir(follow_symlinks=False) and not entry.name.startswith(".")
        }
        chosen = self.coursedir.student_id
        return sorted(found if chosen in ("", "*") else found & {chosen})

    def submissions(self):
        """All that have been handed in, by the names of their directories; no file is opened."""
        return [
            record
            for student in self.students("personalized-inbound")
            for record in self.records_of(student)
        ]

    def records_of(self, student):
        """A student's submissions; none if one cannot be looked at: the last may be missing."""
        try:
            with os.scandir(self.place("personalized-inbound", student)) as entries:
                in_order = sorted(entries, key=lambda entry: entry.name)
                records = [self.record_of(student, entry) for entry in in_order]
        except OSError as error:
            reason = f"{error.strerror}; expected a directory that graders can read"
            self.log.error("Left out all submissions of %r: %s", student, reason)
            return []
        return sorted(filter(None, records), key=lambda record: record["timestamp"])

    def record_of(self, student, entry):
        """A submission as nbgrader's Collect knows it; None if it is none."""
        if not is_submission(entry.name, self.coursedir.assignment_id):
            return None
        moment, is_directory = moment_of(entry.name), entry.is_dir(follow_symlinks=False)
        if moment is None or not is_directory:
            reason = NO_TIME if is_directory else "no submission"
            self.log.warning("Left out %r of %r: %s", entry.name, student, reason)
            return None
        return {"username": student, "filename": f"{student}/{entry.name}", "timestamp": moment}


class FetchAssignment(SharedExchange, default.ExchangeFetchAssignment):
    """From `outbound`, as nbgrader does."""


class FetchFeedback(SharedExchange, default.ExchangeFetchFeedback):
    """From `feedback`, as nbgrader does."""


class TellsHub:
    """Tells the hub of an examinee's submission, which never fails by that."""

    def start(self):
        super().start()
        if "E2XHUB_EXAM" in os.environ and ROLE == "student":
            Thread(target=tell_hub, args=(self.log,)).start()


class Submit(TellsHub, SharedExchange, default.ExchangeSubmit):
    """To `inbound`, as nbgrader does."""


class ByThoseWhoGrade:
    """Refused to observers before it begins: of what cannot be written, nbgrader says little."""

    def start(self):
        if ROLE == "observer":
            self.fail("You observe: you collect nothing and release nothing")
        super().start()


class ReleaseAssignment(ByThoseWhoGrade, SharedExchange, default.ExchangeReleaseAssignment):
    """To `outbound`; or each directory of the assignment to the student that it is named after."""

    def init_dest(self):
        self.dest_path = str(self.place("outbound", self.coursedir.assignment_id))

    def copy_files(self):
        if not OWN_OUTBOUND:
            super().copy_files()
            return
        for version in sorted(Path(self.src_path).iterdir()):
            if version.is_dir():
                own = self.place("personalized-outbound", version.name)
                self.src_path = str(version)
                self.dest_path = str(own / self.coursedir.assignment_id)
                super().copy_files()


class ReleaseFeedback(ByThoseWhoGrade, SharedExchange, default.ExchangeReleaseFeedback):
    """To `personalized-feedback/<student>`, each student's alone."""

    def init_dest(self):
        self.dest_path = str(self.place("personalized-feedback"))

    def copy_files(self):
        """What is wrong in one submission does not keep the others' feedback back."""
        reasons = [
            f"{student!r}: {reason}"
            for student in self.students("personalized-feedback", "personalized-inbound")
            for reason in self.release(student)
        ]
        if reasons:
            self.fail(
                f"There is no feedback for {'; '.join(reasons)}. That of all others is released. "
                "Whoever deletes submission_secret.txt from a submission gets none"
            )

    def release(self, student):
        """Yields why it cannot be, if there is any."""
        self.src_path = self.coursedir.format_path(
            self.coursedir.feedback_directory, student, self.coursedir.assignment_id
        )
        self.dest_path = str(self.place("personalized-feedback", student))
        if not Path(self.src_path).is_dir():
            return
        try:
            self.ensure_directory(self.dest_path, 0o755)
            super().copy_files()
        except OSError as error:
            yield f"{error.filename or self.src_path}: {error.strerror}"
        except (ValueError, AssertionError) as error:
            yield f"{self.src_path}: {error!r}"


class InboundByName:
    """Staff list `inbound` by names alone: the files are students', and reading may never end."""

    def tells_names(self):
        return self.inbound and ROLE != "student"

    def init_dest(self):
        super().init_dest()
        if self.tells_names():
            at = self.place("personalized-inbound")
            self.assignments = [str(at / record["filename"]) for record in self.submissions()]

    def parse_assignments(self):
        if not self.tells_names():
            return super().parse_assignments()
        named = [self.information(Path(path)) for path in self.assignments]
        named.sort(key=lambda info: (info["student_id"], info["assignment_id"], info["timestamp"]))
        by_assignment = groupby(named, key=lambda info: (info["student_id"], info["assignment_id"]))
        return [self.group(list(infos)) for _key, infos in by_assignment]

    def group(self, infos):
        keys = ("course_id", "student_id", "assignment_id", "status")
        return {**{key: infos[0][key] for key in keys}, "submissions": infos}

    def information(self, path):
        found = SUBMISSION.fullmatch(path.name)
        return {
            "course_id": self.coursedir.course_id,
            "student_id": path.parent.name,
            "assignment_id": found["assignment"],
            "timestamp": found["timestamp"],
            "status": "removed" if self.remove else "submitted",
            "path": str(path),
            "notebooks": [],
        }

    def format_inbound_assignment(self, info):
        if not self.tells_names():
            return super().format_inbound_assignment(info)
        return "{course_id} {student_id} {assignment_id} {timestamp}".format(**info)

    def remove_files(self):
        if not self.tells_names():
            return super().remove_files()
        listed = self.list_files()
        for path in self.assignments:
            try:
                shutil.rmtree(path)
            except OSError as error:
                self.log.error("Not removed: %r: %s", path, error.strerror)
        return listed


class List(InboundByName, SharedExchange, default.ExchangeList):
    """Submissions by the directory that they are in."""


class Collect(ByThoseWhoGrade, SharedExchange, default.ExchangeCollect):
    """From `personalized-inbound/<student>`: the directory says who has submitted.

    What is in it, names included, is a student's to write.
    """

    def init_src(self):
        self.inbound_path = str(self.place("personalized-inbound"))
        with Gradebook(self.coursedir.db_url, self.coursedir.course_id) as gradebook:
            try:
                self.duedate = gradebook.find_assignment(self.coursedir.assignment_id).duedate
            except MissingEntry:
                self.duedate = None
        by_student = groupby(self.submissions(), key=lambda record: record["username"])
        self.src_records = [self.best(list(records)) for _student, records in by_student]

    def best(self, records):
        """The last submission, or the last one in time if that is asked for."""
        if self.before_duedate and self.duedate is not None:
            records = [r for r in records if r["timestamp"] <= self.duedate] or records
        return records[-1]

    def do_copy(self, src, dest, log=None):  # noqa: ARG002
        """Copies a submission; one that cannot be copied does not keep the others back."""
        try:
            Copy(self, Path(src), Path(dest)).run()
            if self.coursedir.groupshared:
                self.set_perms(dest, 0o664, 0o2775)
        except (OSError, ValueError) as error:
            shutil.rmtree(dest, ignore_errors=True)
            self.log.error("Not collected: %r: %s", src, error)


class Copy:
    """A copy of a directory that its author may be changing meanwhile.

    Each file is opened in the directory that was opened before, without following a link, and
    judged by what was opened.
    """

    def __init__(self, exchange, source, target):
        self.log, self.coursedir = exchange.log, exchange.coursedir
        self.source, self.target = source, target
        self.bytes_left = 1000 * self.coursedir.max_dir_size

    def run(self):
        self.copy(os.open(self.source, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW), Path())
        timestamp = SUBMISSION.fullmatch(self.source.name)["timestamp"]
        (self.target / "timestamp.txt").write_text(timestamp, encoding="utf-8")

    def copy(self, opened, path):
        """Copies what is open, and closes it."""
        try:
            found = os.fstat(opened)
            reason = self.reason_against(found, path)
            if reason:
                self.leave_out(path, reason)
            elif stat.S_ISDIR(found.st_mode):
                self.copy_directory(opened, path)
            else:
                self.copy_file(opened, path, found.st_size)
        finally:
            os.close(opened)

    def reason_against(self, found, path):
        is_directory = stat.S_ISDIR(found.st_mode)
        size = 0 if is_directory else found.st_size
        if not is_directory and (not stat.S_ISREG(found.st_mode) or found.st_nlink != 1):
            return "it is no regular file of its own"
        if size > 1000 * self.coursedir.max_file_size or len(path.parts) > DEEPEST:
            return "it is too large or too deep"
        self.bytes_left -= max(size, BLOCK_BYTES)
        return "" if self.bytes_left >= 0 else "the submission is too large"

    def copy_directory(self, directory, path):
        (self.target / path).mkdir(parents=True)
        for name in sorted(os.listdir(directory)):  # noqa: PTH208 - it is open
            if self.is_ignored(name) or path / name == Path("timestamp.txt"):
                continue
            if CONFIGURATION.fullmatch(name):
                # nbgrader and Jupyter run it for whoever works in the directory that it is in.
                self.leave_out(path / name, "it is a configuration file")
                continue
            try:
                flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
                opened = os.open(name, flags, dir_fd=directory)
            except OSError as error:
                is_link = error.errno == errno.ELOOP
                self.leave_out(path / name, "it is a link" if is_link else str(error.strerror))
            else:
                self.copy(opened, path / name)

    def copy_file(self, opened, path, size):
        """At most `size` bytes, which were counted: the file may be growing."""
        with (self.target / path).open("wb") as file:
            while size > 0 and (block := os.read(opened, min(size, 256 * BLOCK_BYTES))):
                size -= file.write(block)

    def is_ignored(self, name):
        return any(fnmatch(name, pattern) for pattern in self.coursedir.ignore)

    def leave_out(self, path, reason):
        self.log.warning("Left out %r of %r: %s", str(path), str(self.source), reason)


def is_submission(name, assignment):
    """Whether a directory's name says that it is one of `assignment`, or of any if that is ''."""
    found = SUBMISSION.fullmatch(name)
    return found is not None and name.isprintable() and assignment in ("", found["assignment"])


def moment_of(name):
    """When it was submitted, by its name; None where nbgrader cannot have written that."""
    text = SUBMISSION.fullmatch(name)["timestamp"]
    try:
        moment = datetime.strptime(text, TIME)  # noqa: DTZ007 - as EARLIEST
    except ValueError:
        return None
    latest = datetime.now(timezone.utc).replace(tzinfo=None) + timedelta(days=1)
    is_exact = moment.strftime(TIME) == text
    return moment if is_exact and EARLIEST <= moment <= latest else None


class NoRedirects(HTTPRedirectHandler):
    """The token goes to the hub and nowhere else."""

    def redirect_request(self, *_request):
        return None


def tell_hub(log):
    try:
        url = os.environ["JUPYTERHUB_API_URL"].rstrip("/") + "/e2x/examinee/submitted"
        authorization = {"Authorization": f"token {os.environ['JUPYTERHUB_API_TOKEN']}"}
        request = Request(url, data=b"", headers=authorization, method="POST")  # noqa: S310
        build_opener(ProxyHandler({}), NoRedirects).open(request, timeout=HUB_SECONDS).close()
    except Exception as error:  # whatever it is, the submission is complete
        log.warning("The hub has not been told of the submission: %s", error)


def use_plain_nbgrader(factory):
    factory.fetch_assignment = FetchAssignment
    factory.fetch_feedback = FetchFeedback
    factory.submit = Submit
    factory.release_assignment = ReleaseAssignment
    factory.release_feedback = ReleaseFeedback
    factory.list = List


def use_e2xgrader(c):
    """A student's `inbound` and `outbound` are the person's own already."""
    from e2xgrader.config import configure_exchange
    from e2xgrader.exchange import E2xExchangeList, E2xExchangeSubmit

    configure_exchange(c)
    bases = (InboundByName, SharedExchange, E2xExchangeList)
    c.ExchangeFactory.list = type("E2xList", bases, {})
    c.ExchangeFactory.submit = type("E2xSubmit", (TellsHub, E2xExchangeSubmit), {})
    of_staff = ROLE != "student"
    c.E2xExchange.personalized_inbound = of_staff
    c.E2xExchange.personalized_outbound = of_staff and OWN_OUTBOUND
    c.E2xExchange.personalized_feedback = True
    c.E2xExchange.grader = of_staff


class ReadGradebook:
    """The gradebook of somebody who changes nothing.

    Their course directory is read-only, and there SQLite opens no database as nbgrader opens one.
    So they read a copy, which is made anew when graders have changed the gradebook: nbgrader reads
    this file with nearly every page.
    """

    def __init__(self, course, place):
        self.original = Path(course, "gradebook.db")
        self.copy = Path(place, "gradebook.db")

    @property
    def db_url(self):
        """Read-only, so that what somebody tries to save is refused, and not forgotten."""
        return f"sqlite:///file:{quote(str(self.copy))}?{READ_ONLY}&uri=true"

    def renew(self, course_id):
        """Brings the copy up to date; one that cannot be made leaves the last one."""
        try:
            self.copy_if_changed()
        except (OSError, sqlite3.Error) as error:
            get_logger().warning("The gradebook could not be read again: %s", error)
        if not self.copy.exists() or not self.copy.stat().st_size:  # nobody has graded yet
            Gradebook(f"sqlite:///{self.copy}", course_id).close()

    def copy_if_changed(self):
        if not self.original.exists():
            return
        changed_at = self.original.stat().st_mtime_ns
        if self.copy.exists() and self.copy.stat().st_mtime_ns == changed_at:
            return
        for session in Session.observed:
            session.rollback()  # it would go on showing what it has read of the last copy
        source = f"file:{quote(str(self.original))}?{READ_ONLY}"
        original = sqlite3.connect(source, uri=True, timeout=LOCK_SECONDS)
        with closing(original), closing(sqlite3.connect(str(self.copy))) as copy:
            # Into the same file: the formgrader keeps it open.
            original.backup(copy, progress=self.go_on)
        os.utime(self.copy, ns=(changed_at, changed_at))

    def go_on(self, status, _remaining, _total):
        """Without it a copy would be tried again for as long as somebody has a lock."""
        if status not in (0, 101):  # SQLITE_OK, SQLITE_DONE
            raise sqlite3.OperationalError("database is locked")


def refuse_to_save(session, _context, _instances):
    """Before the database refuses it, after which the formgrader would have to be started anew."""
    if READ_ONLY in str(session.get_bind().url):
        session.expunge_all()
        raise PermissionError("observers change nothing")


def remember(session, _transaction, _connection):
    """The formgrader keeps its session, and that keeps what it has read."""
    Session.observed.add(session)


def observe_from_now_on():
    """Once: this file is read again and again in one process."""
    if not hasattr(Session, "observed"):
        Session.observed = WeakSet()
        event.listen(Session, "after_begin", remember)
        event.listen(Session, "before_flush", refuse_to_save)


def own_directory():
    """A directory that nobody else can have prepared."""
    place = Path(tempfile.gettempdir(), f"e2xhub-{os.environ['E2XHUB_USERNAME']}-{os.getuid()}")
    place.mkdir(mode=0o700, exist_ok=True)
    found = place.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        return Path(tempfile.mkdtemp(prefix="e2xhub-"))
    return place


def use_copy_of_gradebook(c):
    course_id = os.environ["NBGRADER_COURSE_ID"]
    place = own_directory() / course_id
    place.mkdir(exist_ok=True)
    gradebook = ReadGradebook(os.environ["NBGRADER_COURSE_DIRECTORY"], place)
    observe_from_now_on()
    gradebook.renew(course_id)
    c.CourseDirectory.db_url = gradebook.db_url


def configure(c):
    c.CourseDirectory.course_id = os.environ["NBGRADER_COURSE_ID"]
    c.Exchange.root = os.environ["NBGRADER_EXCHANGE_ROOT"]
    # Whatever an image sets: what is collected has to bear a time as TIME.
    c.Exchange.timezone, c.Exchange.timestamp_format = "UTC", "%Y-%m-%d %H:%M:%S.%f %Z"
    if os.environ.get("NBGRADER_COURSE_DIRECTORY"):
        c.CourseDirectory.root = os.environ["NBGRADER_COURSE_DIRECTORY"]
        if ROLE == "observer":
            use_copy_of_gradebook(c)
    if ROLE == "student":
        # nbgrader joins names with '+'; who submits is told by the directory.
        c.CourseDirectory.student_id = os.environ["E2XHUB_USERNAME"].replace("+", "_")
    if find_spec("e2xgrader"):
        use_e2xgrader(c)
    else:
        use_plain_nbgrader(c.ExchangeFactory)
    c.ExchangeFactory.collect = Collect
    # All students are one user of the system; the directories tell them apart.
    c.ExchangeCollect.check_owner = False


configure(get_config())
