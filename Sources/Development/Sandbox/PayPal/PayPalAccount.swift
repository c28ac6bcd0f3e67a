/// The settings of the sandbox's PayPal.
public struct PayPalAccount: Sendable {
    public var clientID: String
    public var clientSecret: String
    /// The id of the webhook, which the signature of each event covers.
    public var webhookID: String
    /// The URL to which events are posted; if nil, none are sent.
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
