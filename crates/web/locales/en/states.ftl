# States, in words.

entry-state-invalid = Needs attention
entry-state-queued = Waiting for its check
entry-state-checking = Checking…
entry-state-verified = Ready
entry-state-check_failed = Needs attention

import-state-waiting = Waiting
import-state-creating = Creating mailbox
import-state-scanning = Counting messages
import-state-copying = Importing
import-state-retrying = Retrying
import-state-retrying-at = Retrying at { $name }
import-state-paused = Paused
import-state-done = Done
import-state-done_with_exceptions = { $n ->
    [0] Done, with exceptions
    [one] Done, { $n } exception
   *[other] Done, { $n } exceptions
}
import-state-failed = Failed
import-state-cancelled = Cancelled

run-state-running = Importing
run-state-paused = Paused
run-state-completed = Done
run-state-completed_with_exceptions = { $n ->
    [0] Done, with exceptions
    [one] Done, { $n } exception
   *[other] Done, { $n } exceptions
}
run-state-failed = Failed
run-state-cancelled = Cancelled

verdict-complete = Complete
verdict-complete_with_exceptions = Complete with exceptions
verdict-incomplete = Incomplete

side-source = The cause lies with the old server.
side-destination = The cause lies with the new mailbox.
side-internal = The cause lies with us.

found-given = as given
found-known_provider = known provider
found-named = found: { $name }
found-srv = found by the domain’s DNS records
found-autoconfig = found by the provider’s settings

scope-read = Read
scope-write = Write
scope-admin = Administer
role-operator = Operator
role-customer = Customer
