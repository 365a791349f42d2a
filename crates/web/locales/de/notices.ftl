# Wie Kunden erfahren, dass ein Mailimport zu Ende ist: ihre Einstellungen und die E-Mails selbst.

notices-title = Benachrichtigungen
notices-what = Damit Sie erfahren, wenn ein Mailimport endet, ohne zuzusehen.
notice-email = Eine E-Mail an { $name } schreiben
notice-email-none = Eine E-Mail schreiben; Ihre Adresse gehört unter „Sprache und Darstellung“
notice-webhook = Webhook
notice-webhook-hint = Für Programme: eine Adresse, die aufgerufen wird, etwa https://example.org/hook. Leer lassen für keine.
notice-last-email = Letzte E-Mail
notice-last-webhook = Letzter Aufruf
notice-waiting = Unterwegs.
notice-delivered = Zugestellt.
notice-retry-at = Wir versuchen es um { $name } noch einmal.
notice-attempts = { $n ->
    [one] { $n } Versuch
   *[other] { $n } Versuche
}
notice-code = Status { $name }
notice-outcome-status = Der Empfänger hat mit einem Fehler geantwortet.
notice-outcome-gone = Der Empfänger sagt, dass es unter dieser Adresse nichts gibt. Wir versuchen es nicht noch einmal.
notice-outcome-redirect = Der Empfänger nennt eine andere Adresse. Bitte tragen Sie diese ein.
notice-outcome-not_answering = Der Empfänger antwortet nicht. Bitte prüfen Sie die Adresse.
notice-outcome-tls = Wir konnten keine vertrauenswürdige, verschlüsselte Verbindung zum Empfänger aufbauen.
notice-outcome-mail_refused = Der Mailserver hat die E-Mail abgelehnt. Bitte prüfen Sie Ihre Adresse.
notice-outcome-mail_unavailable = Der Mailserver nimmt zurzeit keine E-Mail an.
notice-outcome-internal = Ein interner Fehler hat das angehalten.
notice-test = Test senden
notice-test-what = Wie er ausging, steht etwas später hier; laden Sie die Seite dann neu.
notice-secret-renew = Neues Geheimnis…
notice-secret-renew-sure = Mit dem bisherigen Geheimnis wird ab sofort nichts mehr unterschrieben. Tragen Sie das neue gleich beim Empfänger ein.
notice-secret-renew-yes = Neues Geheimnis erzeugen
notice-secret-made = Das Geheimnis, mit dem Aufrufe des Webhooks unterschrieben werden
notice-secret-once = Daran erkennt der Empfänger, dass ein Aufruf von uns kommt. Kopieren Sie es jetzt; es wird nicht noch einmal gezeigt.

letter-subject = Mailimport für { $domain }: { $verdict }, { $mailboxes }, { $messages }
letter-mailboxes = { $n ->
    [one] { $n } Postfach
   *[other] { $n } Postfächer
}
letter-verdict-completed = vollständig
letter-verdict-exceptions = mit Ausnahmen
letter-verdict-failed = fehlgeschlagen
letter-verdict-cancelled = abgebrochen
letter-lead-completed = Der Mailimport für { $name } ist vollständig. Alles ist angekommen.
letter-lead-exceptions = Der Mailimport für { $name } ist zu Ende. Nicht alles wurde geholt.
letter-lead-failed = Der Mailimport für { $name } ist zu Ende. Nicht jedes Postfach konnte geholt werden.
letter-lead-cancelled = Der Mailimport für { $name } wurde abgebrochen. Was kopiert wurde, bleibt.
letter-line = { $name }: { $messages } – { $state }
letter-more = und { $n } weitere
letter-next = Was jetzt zu tun ist
letter-next-completed = Nichts. Wenn beim alten Anbieter noch Nachrichten ankommen, holt „Neue Nachrichten holen“ auf der Seite sie nach.
letter-next-exceptions = Bitte sehen Sie auf der Seite nach. Sie nennt alles, was fehlt, und sagt, ob ein neuer Versuch helfen kann.
letter-next-failed = Wenn die Ursache behoben ist, holt „Fehlgeschlagene wiederholen“ auf der Seite, was fehlt. Nichts kommt doppelt.
letter-next-cancelled = Wenn Sie doch weitermachen möchten, holt „Fehlgeschlagene wiederholen“ auf der Seite den Rest. Nichts kommt doppelt.
letter-page = Die Seite dieses Mailimports:
letter-why = Sie bekommen diese E-Mail, weil Sie erfahren, wenn ein Mailimport endet. In Ihren Einstellungen können Sie das ausschalten.
letter-test-subject = Mailimport: ein Test
letter-test-body = Das ist der Test, den Sie angefordert haben. E-Mails von mailimport erreichen Sie.

flash-notices-saved = Gespeichert.
flash-notice-test-sent = Ein Test ist unterwegs. Laden Sie die Seite gleich neu, um zu sehen, wie er ausging.
