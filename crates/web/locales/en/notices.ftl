# Telling customers that a mailimport has ended: their settings, and the e-mails themselves.

notices-title = Notifications
notices-what = So that you hear when a mailimport ends, without watching it.
notice-email = Write an e-mail to { $name }
notice-email-none = Write an e-mail; your address belongs under “Language and appearance”
notice-webhook = Webhook
notice-webhook-hint = For programs: an address that is called, such as https://example.org/hook. Leave it empty for none.
notice-last-email = Last e-mail
notice-last-webhook = Last call
notice-waiting = On its way.
notice-delivered = Delivered.
notice-retry-at = We try again at { $name }.
notice-attempts = { $n ->
    [one] { $n } attempt
   *[other] { $n } attempts
}
notice-code = Status { $name }
notice-outcome-status = The receiver answered with an error.
notice-outcome-gone = The receiver says that there is nothing at this address. We do not try again.
notice-outcome-redirect = The receiver names another address. Please enter that one.
notice-outcome-not_answering = The receiver is not answering. Please check the address.
notice-outcome-tls = We could not make a trusted, encrypted connection to the receiver.
notice-outcome-mail_refused = The mail server refused the e-mail. Please check your address.
notice-outcome-mail_unavailable = The mail server does not take e-mail at the moment.
notice-outcome-internal = An internal fault stopped this.
notice-test = Send a test
notice-test-what = Its outcome stands here a little later; reload the page then.
notice-secret-renew = New secret…
notice-secret-renew-sure = What is signed with the secret so far ends at once. Enter the new one at the receiver right away.
notice-secret-renew-yes = Make a new secret
notice-secret-made = The webhook’s signing secret
notice-secret-once = With it the receiver sees that a call comes from us. Copy it now; it is not shown again.

letter-subject = Mailimport for { $domain }: { $verdict }, { $mailboxes }, { $messages }
letter-mailboxes = { $n ->
    [one] { $n } mailbox
   *[other] { $n } mailboxes
}
letter-verdict-completed = complete
letter-verdict-exceptions = with exceptions
letter-verdict-failed = failed
letter-verdict-cancelled = cancelled
letter-lead-completed = The mailimport for { $name } is complete. Everything has arrived.
letter-lead-exceptions = The mailimport for { $name } has ended. Not everything was brought.
letter-lead-failed = The mailimport for { $name } has ended. Not every mailbox could be brought.
letter-lead-cancelled = The mailimport for { $name } was cancelled. What was copied stays.
letter-line = { $name }: { $messages } – { $state }
letter-more = and { $n } more
letter-next = What to do next
letter-next-completed = Nothing. If mail still comes to the old provider, “Import new messages” on the page brings it.
letter-next-exceptions = Please look at the page. It names everything that is missing, and says whether trying again can help.
letter-next-failed = When the cause is mended, “Retry failed” on the page brings what is missing. Nothing is doubled.
letter-next-cancelled = If you want to go on after all, “Retry failed” on the page brings the rest. Nothing is doubled.
letter-page = The page of this mailimport:
letter-why = You get this e-mail because you are told when a mailimport ends. You can switch it off in your settings.
letter-test-subject = Mailimport: a test
letter-test-body = This is the test that you asked for. E-mails from mailimport reach you.

flash-notices-saved = Saved.
flash-notice-test-sent = A test is on its way. Reload the page in a moment to see how it went.
