"""
What users of Channels 1.x and its neighbors have reported, and which tests hold it here.

Each number of an issue stands for a kind of fault: the tests try other inputs
of that kind beside the one of the report.
"""
import re
import unittest

from .support import CHECKOUT

FOLDERS = {
    name: CHECKOUT / 'tests' / name for name in ('channels_tests', 'backport_tests', 'system', 'patch_tests')
}
FOLDERS['interface_server'] = CHECKOUT / 'interface_server' / 'tests'

#: (kind, public reports, tests); a test is folder/module::Class or ::function.
REPORTED = [
    ('A delayed message comes while the database is away', 'celery/celery#3135 Cadasta/cadasta-platform#2041',
     'channels_tests/test_delay::PatientConsumerTests'),
    ('Looking for a user moves or ends the session: rotated keys, changed passwords',
     'django/django#16631 django/channels#1524',
     'channels_tests/test_sessions::test_looking_for_the_user_leaves_the_session_as_it_is'),
    ('A group that an object leaves hears what the object holds now', 'django/channels#301',
     'channels_tests/test_binding::test_a_group_that_an_object_leaves_hears_what_it_knew '
     'channels_tests/test_binding::test_what_was_changed_in_memory_only_is_not_told'),
    ('What is not an Exception ends a worker or leaves a client waiting',
     'procrastinate-org/procrastinate#871 python-arq/arq#213 celery/celery#1018',
     'channels_tests/test_dispatch::EndingTests '
     'channels_tests/test_http_handler::test_a_view_that_exits_is_a_500_at_once '
     'channels_tests/test_http_handler::test_a_stream_that_exits_is_broken_off '
     'channels_tests/test_asynchronous::test_a_cancelled_error_ends_its_message_only '
     'channels_tests/test_asynchronous::test_a_task_of_a_consumer_that_exits_ends_nothing_else '
     'system/test_endings::test_ways_for_a_view_or_a_consumer_to_end'),
    ('A log-in in a consumer, a session whose key changes, and one that is gone',
     'django/channels#1453 django/channels#1324',
     'channels_tests/test_socket_users::OneSessionTests channels_tests/test_socket_users::CheckedAgainTests '
     'channels_tests/test_sessions::test_a_session_that_a_consumer_moves_is_followed '
     'channels_tests/test_sessions::test_a_session_that_a_consumer_begins_anew_is_followed '
     'channels_tests/test_sessions::test_a_session_that_is_gone_is_not_written_under_a_key_that_nobody_has'),
    ("A project's handlers don't hear of errors in consumers", 'django/channels#520 django/daphne#432',
     'channels_tests/test_dispatch::LogTests'),
    ("A visitor's language, time zone or transaction is that of the next message", 'cfpb/consumerfinance.gov#5783',
     'channels_tests/test_dispatch::IsolationTests channels_tests/test_dispatch::TransactionTests'),
    ('A receiver saves again, and a binding tells the two saves in the wrong way', 'jonashagstedt/swampdragon#114',
     'channels_tests/test_binding::test_a_save_within_a_save_is_told_after_it '
     'channels_tests/test_binding::test_a_save_within_a_save_may_move_the_object '
     'channels_tests/test_binding_relations::NestedTests'),
    ('A response is longer than its Content-Length', 'django/asgiref#195',
     'channels_tests/test_interfaces_bridge::test_content_beyond_its_content_length_is_cut'),
    ('Sockets below a root path', 'django/channels#1954 django/daphne#125',
     'channels_tests/test_routing::test_a_path_is_what_lies_below_the_root_path '
     'channels_tests/test_routing::test_a_root_path_is_taken_off_once '
     'interface_server/test_root_paths::test_what_lies_below_the_root_path'),
    ('A binding is silent about proxies, inheritance and many-to-many relations',
     'django/django#18005 liqd/a4-meinberlin#549 django/channels#716',
     'channels_tests/test_binding::test_proxies_are_the_same_objects '
     'channels_tests/test_binding::test_many_to_many_relations_are_changes_from_either_side '
     'channels_tests/test_binding::test_bulk_changes_are_announced_by_a_call '
     'channels_tests/test_binding_relations::InheritanceTests '
     'channels_tests/test_binding_relations::ManyToManyTests'),
    ('An answer before the body was read is lost with the connection', 'benoitc/gunicorn#872',
     'interface_server/test_early_answers::test_answer_is_not_lost_to_a_reset '
     'interface_server/test_early_answers::test_refusal_is_not_lost_to_a_reset'),
    ('Malformed frames are errors of the server', 'django/channels#2219 django/channels#1339',
     'channels_tests/test_malformed::MalformedFrameTests'),
    ('A consumer of websocket.connect raises, and the browser waits', 'django/channels#549',
     'channels_tests/test_dispatch::test_a_client_that_waits_is_answered_at_once '
     'channels_tests/test_dispatch::test_so_is_one_whose_message_has_no_route_or_is_dropped'),
    ('Rows of sessions that nobody deletes',
     'django/channels#754 django/channels#768 django/channels#477 django/channels#240',
     'channels_tests/test_sessions::test_it_ends_with_its_socket '
     'channels_tests/test_sessions::test_it_ends_though_the_consumer_fails '
     'channels_tests/test_sessions::test_it_ends_where_no_consumer_is_named '
     'channels_tests/test_sessions::test_a_frame_that_is_later_than_the_end_brings_nothing_back'),
    ('Methods that a parser has no name for', 'encode/uvicorn#1296 aio-libs/aiohttp#4109',
     'interface_server/test_h1_connection::test_bytes_are_the_same_events_however_they_come '
     'interface_server/test_http2::test_method_that_is_none'),
    ('A client leaves while the consumer of its handshake runs', 'django/channels_redis#391',
     'interface_server/test_websocket::test_a_client_that_leaves_while_connect_runs_is_in_no_group_afterwards'),
    ("What a test replaces doesn't reach its live server", 'django/channels#707 django/channels#1737',
     'channels_tests/test_live_server::LiveThreadsTests'),
    # What was right already.
    ('Bytes above 127, and odd targets', 'encode/uvicorn#344 django/daphne#150 benoitc/gunicorn#1577 '
     'Pylons/waitress#64 benoitc/gunicorn#3542 tornadoweb/tornado#509 aio-libs/aiohttp#489 pallets/werkzeug#1696',
     'channels_tests/test_standards::RequestTests channels_tests/test_http_meta::test_meta_is_the_same '
     'interface_server/test_limits::test_request_that_is_too_large'),
    ('Uploads without a length', 'django/daphne#476 django/channels#1001 benoitc/gunicorn#605',
     'channels_tests/test_http_body::test_form channels_tests/test_http_body::test_upload '
     'channels_tests/test_http_body::test_limit_counts_also_without_a_length '
     'interface_server/test_http::test_body_without_length '
     'interface_server/test_limits::test_ambiguous_request_is_refused_and_nothing_after_it_is_read'),
    ('Responses without a body', 'mastodon/mastodon#27496 encode/django-rest-framework#9557',
     'channels_tests/test_http_response::test_what_has_no_body_stops_at_its_headers '
     'interface_server/test_h1_connection::test_answers_without_content'),
    ('A Redis that becomes a replica, forgets scripts or closes connections', 'redis/docker-library-redis#227',
     'channels_tests/test_layers_redis_faults::test_a_server_that_becomes_a_replica_refuses_and_recovers '
     'channels_tests/test_layers_redis_faults::test_an_idle_connection_that_the_server_closed_costs_no_message '
     'channels_tests/test_layers_redis_cost::test_scripts_that_the_server_forgot_are_sent_again'),
    ('A Redis without memory', 'alkem-io/server#4713',
     'channels_tests/test_layers_redis_faults::test_a_server_without_memory_refuses_and_recovers'),
    ('Passwords of Redis with signs of URLs',
     'django/channels_redis#143 redis/redis-py#1171 goauthentik/authentik#2130',
     'channels_tests/test_layers_redis_topologies::test_a_password '
     'channels_tests/test_layers_redis_topologies::test_no_password_is_named'),
    ('Close codes and frames of all kinds', 'django/channels#246 python-websockets/websockets#1202',
     'interface_server/test_frames::test_what_breaks_the_protocol interface_server/test_autobahn::test_autobahn '
     'interface_server/test_websocket::test_code_of_the_client_reaches_the_worker'),
    ('A live server and the data of its test',
     'django/channels#1092 django/channels#616 pytest-dev/pytest-django#329',
     'channels_tests/test_live_server::LiveServerTests'),
    ('Static files and reloading under runserver', 'django/channels#1140',
     'channels_tests/test_staticfiles::StaticFilesTests '
     'system/test_runserver::test_changed_file_reloads_views_and_consumers'),
    ('Delays that are odd', 'celery/kombu#775',
     'channels_tests/test_delay::test_the_delay_is_in_milliseconds '
     'channels_tests/test_delay::test_no_delay_is_one_too '
     'channels_tests/test_delay::test_a_malformed_message_is_logged_and_skipped'),
]

#: (what code of the 1.x family does, tests); what is compared with it by running both is in family/kinds.py.
FAMILY = [
    ('It decides about origins',
     'channels_tests/test_security::test_a_subclass_is_asked_only_about_origins_that_are_there'),
    ('It has left delayed messages in another table', 'channels_tests/test_delay::OldTableTests'),
    ('Its first consumer of a socket saves, cycles, deletes or logs in', 'channels_tests/test_sessions::KeptKeyTests'),
    ('It overrides methods of bindings',
     'channels_tests/test_binding::test_overridden_receivers_are_called_as_in_channels_1'),
    ('It asks for apps by their old names', 'backport_tests/test_apps::InstalledAppsTests'),
    ('It imports names', 'channels_tests/test_public_names::PublicNamesTests'),
    ('Its sockets are open over the upgrade',
     'channels_tests/test_sessions::test_the_session_of_a_socket_that_was_opened_under_channels_1_is_found'),
    ('It extends commands', 'channels_tests/test_runserver::HookTests'),
    ('Its requirements bring the other distribution',
     'backport_tests/test_conflict::ForeignDistributionTests '
     'channels_tests/test_asgi::test_another_distribution_of_that_name_is_found'),
]


def find(test):
    """Return whether a test of REPORTED or FAMILY is there."""
    folder, _, rest = test.partition('/')
    module, _, name = rest.partition('::')
    text = (FOLDERS[folder] / (module + '.py')).read_text(encoding='utf-8')
    return not name or re.search(r'^ *(class|(async )?def) %s\b' % name, text, re.M) is not None


class ReportedTests(unittest.TestCase):

    def test_each_report_has_tests(self):
        self.assertEqual(len({kind for kind, reports, tests in REPORTED}), len(REPORTED))
        for kind, reports, tests in REPORTED:
            for report in reports.split():
                self.assertRegex(report, r'^[\w.-]+/[\w.-]+#\d+$', kind)
            self.assertEqual([test for test in tests.split() if not find(test)], [], kind)

    def test_each_kind_of_code_of_channels_1_has_tests(self):
        for kind, tests in FAMILY:
            self.assertEqual([test for test in tests.split() if not find(test)], [], kind)
