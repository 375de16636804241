/* SPDX-License-Identifier: MIT */
/* Whether a daemon answers, which it is, and whether it can do its work. */
#include "doctor.h"

#include <errno.h>
#include <math.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_STATE "/var/lib/engramd"
#define USER "engramd"
#define FILES_LEAST 1024 /* descriptors: a region takes one, and so does a client */

static void check_answer(struct doctor *d)
{
    struct http_answer answer;
    d->answers = daemon_facts_get(&d->options->daemon, &d->facts, &answer);
    d->pid = d->answers ? daemon_pid(&d->facts) : 0;
    if (d->answers && d->pid)
        find(d, LEVEL_OK, "daemon", NULL, "engramd answers at %s, as process %d",
             d->options->daemon.address, (int)d->pid);
    else if (d->answers)
        find(d, LEVEL_WARNING, "daemon", "run engramctl doctor as root, on the daemon's host",
             "engramd answers at %s, but its process is not seen", d->options->daemon.address);
    else
        find(d, LEVEL_PROBLEM, "daemon",
             answer.reached ? "see its log, and give the address of an engramd with --address"
                            : "start it (systemctl start engramd, or engramd &), or give its "
                              "address with --address",
             "no engramd answers at %s: %s", d->options->daemon.address, answer.problem);
}

static void check_version(struct doctor *d)
{
    if (strcmp(d->facts.version, ENGRAM_VERSION) == 0)
        find(d, LEVEL_OK, "version", NULL, "it is of version %s, and so is this engramctl",
             d->facts.version);
    else
        find(d, LEVEL_WARNING, "version", "restart the daemon after an upgrade, or install both",
             "it is of version %s, and this engramctl of %s", d->facts.version, ENGRAM_VERSION);
}

static void check_files(struct doctor *d)
{
    double open = d->facts.open_files, most = d->facts.most_files;
    bool few = most < FILES_LEAST;
    if (isnan(open) || isnan(most))
        find(d, LEVEL_WARNING, "files", "see the daemon's log", "it does not say how many it has");
    else if (few || open > 0.8 * most)
        find(d, LEVEL_WARNING, "files", "raise LimitNOFILE= in its unit, or ulimit -n, to 65536",
             "%.0f of its %.0f file descriptors are in use", open, most);
    else
        find(d, LEVEL_OK, "files", NULL, "%.0f of its %.0f file descriptors are in use", open,
             most);
}

/* Nobody to ask: the directory's owner has to be the one that the unit names. */
static void check_state_directory(struct doctor *d)
{
    const char *path = d->options->state_dir ? d->options->state_dir : DEFAULT_STATE;
    const struct passwd *user = getpwnam(USER);
    struct stat status;
    if (stat(path, &status))
        find(d, errno == ENOENT ? LEVEL_WARNING : LEVEL_PROBLEM, "state",
             "engramd makes it at a start as root; else: install -d -o " USER
             " -m 0750 " DEFAULT_STATE,
             "the state directory %s cannot be seen: %s", path, strerror(errno));
    else if (!S_ISDIR(status.st_mode))
        find(d, LEVEL_PROBLEM, "state", "move it away", "%s is no directory", path);
    else if ((user && status.st_uid != user->pw_uid) || !(status.st_mode & S_IWUSR))
        find(d, LEVEL_PROBLEM, "state", "chown " USER " and chmod 0750 the directory",
             "the state directory %s is not for the user " USER " to write", path);
    else
        find(d, LEVEL_OK, "state", NULL, "its owner may write the state directory %s", path);
}

static void check_state(struct doctor *d)
{
    if (d->facts.state_writable == 1)
        find(d, LEVEL_OK, "state", NULL, "it can write its state directory");
    else if (d->facts.state_writable == 0)
        find(d, LEVEL_PROBLEM, "state",
             "see its log; chown the directory of --state-dir to the daemon's user",
             "it cannot write its state directory: regions of ended processes stay in memory, and "
             "totals end with it");
    else
        find(d, LEVEL_WARNING, "state", "see the daemon's log",
             "it does not say if it has a state");
}

/* What this machine does not have is no fault of the installation. */
static void check_events(struct doctor *d)
{
    const struct daemon_facts *facts = &d->facts;
    if (facts->events_forbidden)
        find(d, LEVEL_WARNING, "events",
             "give it CAP_PERFMON: copy perf.conf from its examples to "
             "/etc/systemd/system/engramd.service.d/, and see what that says of Debian",
             "it may not count %u events of the kernel and the CPUs", facts->events_forbidden);
    else if (facts->events_counted)
        find(d, LEVEL_OK, "events", NULL,
             "it counts %u events of the kernel and the CPUs; %u are not to be had here",
             facts->events_counted, facts->events_missing);
}

void doctor_daemon(struct doctor *d)
{
    check_answer(d);
    if (!d->answers) {
        check_state_directory(d);
        return;
    }
    check_version(d);
    check_state(d);
    check_files(d);
    check_events(d);
}
