/// The routing keys of messages that services send each other; those of HTTP operations are in openapi.yaml.
public enum MessageName {
    public static let resolveSession = "users.sessions.resolve"
    public static let sealingKey = "users.keys.get"
    public static let armLink = "users.links.arm"
    public static let preparePasswordReset = "users.passwordResets.prepare"
    public static let accountMail = "notifications.accounts.mail"
    public static let price = "catalog.products.price"
    public static let reserve = "catalog.stock.reserve"
    public static let release = "catalog.stock.release"
    public static let commit = "catalog.stock.commit"
    public static let place = "orders.checkouts.place"
    public static let advance = "orders.checkouts.advance"
    public static let waitForOrder = "orders.orders.wait"
    public static let charge = "payments.charge"
    public static let void = "payments.void"
    public static let undoExtra = "payments.extras.undo"
    public static let unresolved = "payments.unresolved"
    public static let reopenCart = "carts.carts.reopen"

    public static let sessionRevoked = "session.revoked"
    public static let orderConfirmed = "order.confirmed"
    public static let orderRejected = "order.rejected"
}
