import Contracts

extension Wordings {
    static let english: [String: Wording] = [
        NotificationKind.orderConfirmed.rawValue: Wording(
            "Your order {number} is confirmed", "Thank you for your order", "Your order {number} is confirmed, and we are getting it ready.",
            "We will let you know when it is on its way."),
        NotificationKind.orderRejected.rawValue: Wording(
            "Your order {number} could not be completed", "Your order could not be completed", "We are sorry: we could not complete your order {number}. {reason}",
            "You do not have to pay for it. If any money has been taken, we will refund it in full."),
        NotificationKind.actionRequired.rawValue: Wording(
            "Please complete the payment for order {number}", "One more step",
            "The payment for your order {number} has not been confirmed yet. Please return to the page of our shop where you placed the order, or open the order there, and confirm the payment.",
            "If you have just done so, you do not need to do anything else. If the payment is not completed in time, the order will not go through and you will not have to pay for it.",
            text: "{shop}: please return to our shop and confirm the payment for your order {number}."),
        NotificationKind.orderShipped.rawValue: Wording(
            "A parcel from your order {number} is on its way", "Your parcel is on its way", "We have handed these items from your order {number} to {carrier}.",
            text: "{shop}: a parcel from your order {number} is on its way with {carrier}. {tracking}"),
        NotificationKind.orderDelivered.rawValue: Wording(
            "Your order {number} has been delivered", "Your order has arrived", "Your order {number} has been delivered.", "We hope you enjoy it.",
            text: "{shop}: your order {number} has been delivered."),
        NotificationKind.orderCancelled.rawValue: Wording(
            "Your order {number} has been cancelled", "Your order has been cancelled", "Your order {number} has been cancelled and will not be shipped.",
            "We will refund anything you have paid to the payment method you used. Depending on your bank, this can take a few days."),
        NotificationKind.orderRefunded.rawValue: Wording(
            "Your refund for order {number}", "Your refund is on its way", "We have refunded {amount} for your order {number} to the payment method you used.",
            "Depending on your bank, it can take a few days for the money to reach your account."),
        NotificationKind.returnRequested.rawValue: Wording(
            "Your return request for order {number}", "We have received your return request",
            "You would like to return these items from your order {number}. We are looking into it and will get back to you.",
            "Please do not send anything back before we have approved the return."),
        NotificationKind.returnApproved.rawValue: Wording(
            "Your return for order {number} is approved", "Your return is approved", "You can now send back these items from your order {number}.",
            "We will refund you once they have arrived."),
        NotificationKind.returnRefused.rawValue: Wording(
            "Your return for order {number}", "We cannot accept your return", "We are sorry: we cannot take back these items from your order {number}. {reason}"),
        AccountMail.Kind.emailVerification.rawValue: Wording(
            "Please confirm your e-mail address", "Welcome", "Please confirm that this is your e-mail address with this code:",
            "The code works once, within 24 hours. If you did not sign up, you can ignore this message."),
        AccountMail.Kind.emailChange.rawValue: Wording(
            "Please confirm your new e-mail address", "Your new e-mail address",
            "You have asked to sign in with this e-mail address from now on. Please confirm it with this code:",
            "The code works once, within 24 hours. If you did not ask for this, you can ignore this message."),
        AccountMail.Kind.passwordReset.rawValue: Wording(
            "Set a new password", "Set a new password", "You have asked to set a new password. This code lets you do so:",
            "The code works once, within one hour. If you did not ask for this, you can ignore this message: your password stays as it is."),
        AccountMail.Kind.emailChangeRequested.rawValue: Wording(
            "Your e-mail address is about to change", "Your e-mail address is about to change",
            "Someone who is signed in to your account and knows its password has asked to change its e-mail address. The change takes effect once the new address is confirmed.",
            "If this was not you, change your password now: that stops the change."),
        AccountMail.Kind.passwordChanged.rawValue: Wording(
            "Your password was changed", "Your password was changed", "The password of your account was changed, and all other sessions have ended.",
            "If this was not you, reset your password now and contact us."),
    ]

    /// Why an order was rejected, by the API's word for it.
    static let englishReasons = [
        "outOfStock": "Something in it is no longer in stock.", "paymentDeclined": "The payment was declined.",
        "paymentTimeout": "The payment was not completed in time.", "stockTimeout": "We could not reserve the items in time.",
    ]

    static let englishLabels = Labels(
        hello: "Hello {name},", total: "Total", refund: "Refund", shipsTo: "Delivery address:", carrier: "Carrier", trackingNumber: "Tracking number",
        track: "Track your parcel", someCarrier: "the carrier", someAmount: "the amount due", automatic: "This message was sent automatically by {shop}.")
}
