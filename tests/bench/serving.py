"""What answers cost: rendering a scrape, the recent past of 10,000 series, HTTP beside libevent's evhttp."""
import figures
from figures import Goal

PAST = {"memory of the past": Goal(note="as much as it may take by default is 33.6")}


def rows(run):
    yield from figures.rows(run, "a scrape is rendered", "scrape_render", {})
    yield from figures.rows(run, "the recent past of 10,000 series", "history", PAST)
    if not run.quick:
        yield from figures.rows(run, "HTTP beside evhttp", "http_alternatives", {})
