import Contracts

extension Wordings {
    static let german: [String: Wording] = [
        NotificationKind.orderConfirmed.rawValue: Wording(
            "Ihre Bestellung {number} ist bestätigt", "Vielen Dank für Ihre Bestellung",
            "Ihre Bestellung {number} ist bestätigt. Wir bereiten sie jetzt für den Versand vor.",
            "Sobald sie unterwegs ist, melden wir uns bei Ihnen."),
        NotificationKind.orderRejected.rawValue: Wording(
            "Ihre Bestellung {number} konnte nicht abgeschlossen werden", "Ihre Bestellung konnte nicht abgeschlossen werden",
            "Leider konnten wir Ihre Bestellung {number} nicht abschließen. {reason}",
            "Ihnen entstehen dadurch keine Kosten. Falls bereits Geld abgebucht wurde, erhalten Sie es vollständig zurück."),
        NotificationKind.actionRequired.rawValue: Wording(
            "Bitte schließen Sie die Zahlung für Ihre Bestellung {number} ab", "Nur noch ein Schritt",
            "Die Zahlung für Ihre Bestellung {number} ist noch nicht bestätigt. Bitte kehren Sie auf die Seite unseres Shops zurück, auf der Sie bestellt haben, oder öffnen Sie dort die Bestellung, und bestätigen Sie die Zahlung.",
            "Falls Sie das gerade getan haben, brauchen Sie nichts weiter zu tun. Wird die Zahlung nicht rechtzeitig abgeschlossen, kommt die Bestellung nicht zustande, und Ihnen entstehen keine Kosten.",
            text: "{shop}: Bitte kehren Sie in unseren Shop zurück und bestätigen Sie die Zahlung für Ihre Bestellung {number}."),
        NotificationKind.orderShipped.rawValue: Wording(
            "Ein Paket aus Ihrer Bestellung {number} ist unterwegs", "Ihr Paket ist unterwegs", "Diese Artikel aus Ihrer Bestellung {number} haben wir an {carrier} übergeben.",
            text: "{shop}: Ein Paket aus Ihrer Bestellung {number} ist unterwegs. {tracking}"),
        NotificationKind.orderDelivered.rawValue: Wording(
            "Ihre Bestellung {number} wurde zugestellt", "Ihre Bestellung ist angekommen", "Ihre Bestellung {number} wurde zugestellt.",
            "Wir wünschen Ihnen viel Freude damit.", text: "{shop}: Ihre Bestellung {number} wurde zugestellt."),
        NotificationKind.orderCancelled.rawValue: Wording(
            "Ihre Bestellung {number} wurde storniert", "Ihre Bestellung wurde storniert", "Ihre Bestellung {number} wurde storniert und wird nicht mehr versandt.",
            "Was Sie dafür bezahlt haben, erstatten wir Ihnen auf demselben Zahlungsweg. Je nach Bank kann das einige Tage dauern."),
        NotificationKind.orderRefunded.rawValue: Wording(
            "Ihre Erstattung zur Bestellung {number}", "Ihre Erstattung ist unterwegs",
            "Für Ihre Bestellung {number} haben wir Ihnen {amount} auf demselben Zahlungsweg erstattet.",
            "Je nach Bank kann es einige Tage dauern, bis das Geld auf Ihrem Konto ist."),
        NotificationKind.returnRequested.rawValue: Wording(
            "Ihre Rücksendung zur Bestellung {number}", "Wir haben Ihre Anfrage erhalten",
            "Sie möchten diese Artikel aus Ihrer Bestellung {number} zurücksenden. Wir prüfen Ihre Anfrage und melden uns bei Ihnen.",
            "Bitte senden Sie noch nichts zurück, bevor wir die Rücksendung freigegeben haben."),
        NotificationKind.returnApproved.rawValue: Wording(
            "Ihre Rücksendung zur Bestellung {number} ist freigegeben", "Ihre Rücksendung ist freigegeben",
            "Sie können diese Artikel aus Ihrer Bestellung {number} jetzt zurücksenden.", "Sobald sie bei uns eingetroffen sind, erstatten wir Ihnen den Betrag."),
        NotificationKind.returnRefused.rawValue: Wording(
            "Ihre Rücksendung zur Bestellung {number}", "Wir können die Rücksendung leider nicht annehmen",
            "Leider können wir diese Artikel aus Ihrer Bestellung {number} nicht zurücknehmen. {reason}"),
        AccountMail.Kind.emailVerification.rawValue: Wording(
            "Bitte bestätigen Sie Ihre E-Mail-Adresse", "Willkommen", "Bitte bestätigen Sie mit diesem Code, dass dies Ihre E-Mail-Adresse ist:",
            "Der Code gilt einmalig und 24 Stunden lang. Wenn Sie sich nicht registriert haben, können Sie diese Nachricht ignorieren."),
        AccountMail.Kind.emailChange.rawValue: Wording(
            "Bitte bestätigen Sie Ihre neue E-Mail-Adresse", "Ihre neue E-Mail-Adresse",
            "Sie möchten sich künftig mit dieser E-Mail-Adresse anmelden. Bitte bestätigen Sie sie mit diesem Code:",
            "Der Code gilt einmalig und 24 Stunden lang. Wenn Sie das nicht veranlasst haben, können Sie diese Nachricht ignorieren."),
        AccountMail.Kind.passwordReset.rawValue: Wording(
            "Neues Passwort festlegen", "Neues Passwort festlegen", "Sie möchten ein neues Passwort festlegen. Verwenden Sie dazu diesen Code:",
            "Der Code gilt einmalig und eine Stunde lang. Wenn Sie das nicht veranlasst haben, können Sie diese Nachricht ignorieren: Ihr Passwort bleibt unverändert."),
        AccountMail.Kind.emailChangeRequested.rawValue: Wording(
            "Ihre E-Mail-Adresse soll geändert werden", "Ihre E-Mail-Adresse soll geändert werden",
            "Jemand, der in Ihrem Konto angemeldet ist und dessen Passwort kennt, möchte die E-Mail-Adresse ändern. Die Änderung wird wirksam, sobald die neue Adresse bestätigt ist.",
            "Wenn Sie das nicht waren, ändern Sie jetzt Ihr Passwort: Damit verhindern Sie die Änderung."),
        AccountMail.Kind.passwordChanged.rawValue: Wording(
            "Ihr Passwort wurde geändert", "Ihr Passwort wurde geändert", "Das Passwort Ihres Kontos wurde geändert. Alle anderen Sitzungen wurden beendet.",
            "Wenn Sie das nicht waren, setzen Sie Ihr Passwort jetzt zurück und wenden Sie sich an uns."),
    ]

    /// Why an order was rejected, by the API's word for it.
    static let germanReasons = [
        "outOfStock": "Mindestens ein Artikel ist nicht mehr vorrätig.", "paymentDeclined": "Die Zahlung wurde abgelehnt.",
        "paymentTimeout": "Die Zahlung wurde nicht rechtzeitig abgeschlossen.", "stockTimeout": "Die Artikel konnten nicht rechtzeitig reserviert werden.",
    ]

    static let germanLabels = Labels(
        hello: "Guten Tag {name}!", total: "Gesamt", refund: "Erstattung", shipsTo: "Lieferadresse:", carrier: "Versanddienst", trackingNumber: "Sendungsnummer",
        track: "Sendung verfolgen", someCarrier: "den Versanddienst", someAmount: "den fälligen Betrag", automatic: "Diese Nachricht wurde automatisch von {shop} versandt.")
}
