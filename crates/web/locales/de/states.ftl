# Stände, in Worten.

entry-state-invalid = Bitte korrigieren
entry-state-queued = Wartet auf die Prüfung
entry-state-checking = Wird geprüft…
entry-state-verified = Bereit
entry-state-check_failed = Bitte korrigieren

import-state-waiting = Wartet
import-state-creating = Postfach wird angelegt
import-state-scanning = Nachrichten werden gezählt
import-state-copying = Wird importiert
import-state-retrying = Neuer Versuch
import-state-retrying-at = Neuer Versuch um { $name }
import-state-paused = Angehalten
import-state-done = Fertig
import-state-done_with_exceptions = { $n ->
    [0] Fertig, mit Ausnahmen
    [one] Fertig, { $n } Ausnahme
   *[other] Fertig, { $n } Ausnahmen
}
import-state-failed = Fehlgeschlagen
import-state-cancelled = Abgebrochen

run-state-running = Läuft
run-state-paused = Angehalten
run-state-completed = Fertig
run-state-completed_with_exceptions = { $n ->
    [0] Fertig, mit Ausnahmen
    [one] Fertig, { $n } Ausnahme
   *[other] Fertig, { $n } Ausnahmen
}
run-state-failed = Fehlgeschlagen
run-state-cancelled = Abgebrochen

verdict-complete = Vollständig
verdict-complete_with_exceptions = Vollständig bis auf Ausnahmen
verdict-incomplete = Unvollständig

side-source = Die Ursache liegt beim alten Server.
side-destination = Die Ursache liegt beim neuen Postfach.
side-internal = Die Ursache liegt bei uns.

found-given = wie angegeben
found-known_provider = bekannter Anbieter
found-named = gefunden: { $name }
found-srv = gefunden über das DNS der Domain
found-autoconfig = gefunden über die Angaben des Anbieters

scope-read = Lesen
scope-write = Schreiben
scope-admin = Verwalten
role-operator = Betreiber
role-customer = Kunde
