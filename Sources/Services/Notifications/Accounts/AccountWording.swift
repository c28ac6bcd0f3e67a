import Contracts
import FoundationEssentials

/// The text that the owner of an account reads.
struct AccountWording: Sendable {
    let subject: String
    let text: String
    let html: String

    init(_ mail: AccountMail, token: String?) {
        let (subject, opening, closing) = Self.sentences(mail.kind)
        self.subject = subject
        let greeting = "Hello \(mail.name),"
        // On a line of its own, so that no mail reader breaks it.
        let code = token.map { ["  \($0)", ""] } ?? []
        text = ([greeting, "", opening, ""] + code + [closing, ""]).joined(separator: "\n")
        html = """
            <!DOCTYPE html>
            <html lang="en"><body>
            <p>\(greeting.escapedForHTML)</p>
            <p>\(opening.escapedForHTML)</p>
            \(token.map { "<p><code>\($0.escapedForHTML)</code></p>\n" } ?? "")<p>\(closing.escapedForHTML)</p>
            </body></html>

            """
    }

    private static func sentences(_ kind: AccountMail.Kind) -> (subject: String, opening: String, closing: String) {
        switch kind {
        case .emailVerification:
            (
                "Please confirm your e-mail address", "Welcome. Please confirm that this is your e-mail address with this code:",
                "It works once, within 24 hours. If you have not signed up, ignore this message."
            )
        case .emailChange:
            (
                "Please confirm your new e-mail address", "You have asked to sign in with this e-mail address from now on. Please confirm it with this code:",
                "It works once, within 24 hours. If you have not asked for this, ignore this message."
            )
        case .passwordReset:
            (
                "Set a new password", "You have asked to set a new password. This code lets you do so:",
                "It works once, within one hour. If you have not asked for this, ignore this message: your password stays as it is."
            )
        case .emailChangeRequested:
            (
                "Your e-mail address is about to change",
                "Someone who is signed in to your account, and knows its password, has asked to change its e-mail address. The change takes effect once the new address is confirmed.",
                "If this was not you, change your password now: that stops the change."
            )
        case .passwordChanged:
            (
                "Your password was changed", "The password of your account was changed, and all other sessions have ended.",
                "If this was not you, reset your password now, and tell us."
            )
        }
    }
}
