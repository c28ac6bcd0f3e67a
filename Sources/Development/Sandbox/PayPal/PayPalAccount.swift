/// The settings of the sandbox's PayPal.
public struct PayPalAccount: Sendable {
    public var clientID: String
    public var clientSecret: String
    /// What the signature of each webhook covers.
    public var webhookID: String
    /// Where events are posted to; nil sends none.
    public var webhookURL: String?
    /// How long a token is valid, in seconds.
    public var tokenLife: Int

    public init(clientID: String, clientSecret: String, webhookID: String, webhookURL: String? = nil, tokenLife: Int = 32_400) {
        self.clientID = clientID
        self.clientSecret = clientSecret
        self.webhookID = webhookID
        self.webhookURL = webhookURL
        self.tokenLife = tokenLife
    }
}
