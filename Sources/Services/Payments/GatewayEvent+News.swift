extension GatewayEvent.Kind {
    /// True if the event may be news about the attempt's payment.
    func isNews(to attempt: Attempt) -> Bool {
        // Opened by a call that was on its way when the payment was voided.
        let isOpenedLate = attempt.state == .voided && attempt.intent == nil
        return switch self {
        case .succeeded: ![.succeeded, .refunded, .needsOperator, .settled].contains(attempt.state)
        case .authorized: [.begun, .requiresAction, .declined].contains(attempt.state) || isOpenedLate
        case .paymentFailed: [.begun, .requiresAction].contains(attempt.state) || isOpenedLate
        case .cancelled: [.begun, .requiresAction, .authorized, .declined].contains(attempt.state)
        case .approved: [.begun, .requiresAction].contains(attempt.state) || isOpenedLate
        case .requiresAction: attempt.state == .begun || isOpenedLate
        case .moneyMoved: true
        }
    }
}
