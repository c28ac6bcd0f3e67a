import Seeds

/// The faults of one request.
struct FaultPlan: Sendable, Equatable {
    enum BeforeExecution: Sendable, Equatable {
        case drop
        case rateLimit
        case conflict
        case serverError
    }

    enum AfterExecution: Sendable, Equatable {
        case drop
        case serverError
    }

    static let none = FaultPlan()

    var latency = Duration.zero
    var before: BeforeExecution?
    var after: AfterExecution?
}

/// Draws the faults. Every request takes the same number of draws whatever the rates, so that changing one rate
/// leaves the others' faults where they were.
struct FaultInjector: Sendable {
    /// How far apart events may be thrown when they are reordered.
    static let reorderWindow = FaultSettings.Span(min: 0, max: 500)

    let settings: FaultSettings
    private var random: SplitMix
    /// Separate, so that the pace of deliveries does not shift the requests' draws.
    private var webhookRandom: SplitMix

    init(_ settings: FaultSettings = FaultSettings()) {
        self.settings = settings
        random = SplitMix(seed: settings.seed)
        webhookRandom = SplitMix(seed: ~settings.seed)
    }

    mutating func planRequest() -> FaultPlan {
        let latency = settings.latency.draw(with: &random)
        let drop = Self.happens(settings.dropBeforeRate, &random)
        let rateLimit = Self.happens(settings.rateLimitRate, &random)
        let conflict = Self.happens(settings.conflictRate, &random)
        let serverError = Self.happens(settings.error500Rate, &random)
        let errsAfterwards = Self.happens(0.5, &random)
        let dropAfter = Self.happens(settings.dropAfterChargingRate, &random)

        var plan = FaultPlan(latency: latency)
        if drop {
            plan.before = .drop
        } else if rateLimit {
            plan.before = .rateLimit
        } else if conflict {
            plan.before = .conflict
        } else if serverError, !errsAfterwards {
            plan.before = .serverError
        }
        if dropAfter {
            plan.after = .drop
        } else if serverError, errsAfterwards {
            plan.after = .serverError
        }
        return plan
    }

    /// The delay of each copy of an event: one for each time that it is sent.
    mutating func planWebhook() -> [Duration] {
        let isDuplicated = Self.happens(settings.duplicateWebhookRate, &webhookRandom)
        return (0..<(isDuplicated ? 2 : 1)).map { _ in
            let delay = settings.webhookDelay.draw(with: &webhookRandom)
            return settings.reorderWebhooks ? delay + Self.reorderWindow.draw(with: &webhookRandom) : delay
        }
    }

    private static func happens(_ probability: Double, _ random: inout SplitMix) -> Bool {
        Double.random(in: 0..<1, using: &random) < probability
    }
}
