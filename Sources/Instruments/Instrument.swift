/// Every metric that Wharf exports, declared once: its name here, its kind, labels and meaning in ``declaration``. Names end in their unit.
///
/// Values of labels are bounded: names of operations, queues, services and states. Beyond the registry's bound they are counted under `other`.
public enum Instrument: String, Sendable, CaseIterable {
    // HTTP
    case httpDuration = "wharf_http_request_duration_seconds"
    case httpResponses = "wharf_http_responses_total"
    case httpTurnedAway = "wharf_http_requests_turned_away_total"
    case httpAnswersKept = "wharf_http_answers_kept_total"
    // Messages
    case messages = "wharf_messages_total"
    case messageDuration = "wharf_message_duration_seconds"
    case messagesSent = "wharf_messages_sent_total"
    case batchMessages = "wharf_batch_messages"
    case inboxHits = "wharf_inbox_hits_total"
    case retries = "wharf_message_retries_total"
    case deadLetters = "wharf_dead_letters_total"
    case queueWait = "wharf_queue_wait_seconds"
    case queueOldestAge = "wharf_queue_oldest_age_seconds"
    // State
    case checkouts = "wharf_checkouts"
    case checkoutOldestAge = "wharf_checkout_oldest_age_seconds"
    case checkoutsStuck = "wharf_checkouts_stuck"
    case deadLettersOpen = "wharf_dead_letters_open"
    case deadLetterOldestAge = "wharf_dead_letter_oldest_age_seconds"
    case notificationsWaiting = "wharf_notifications_waiting"
    case notificationOldestAge = "wharf_notification_oldest_age_seconds"
    // Money
    case paymentsUndecided = "wharf_payments_undecided"
    case paymentDifferences = "wharf_payment_differences"
    case eventsCaughtUp = "wharf_gateway_events_caught_up_total"
    case partnerCalls = "wharf_partner_calls_total"
    case partnerDuration = "wharf_partner_call_duration_seconds"
    // Servers
    case databaseConnections = "wharf_database_connections"
    case databaseWaiters = "wharf_database_waiters"
    case brokerConnected = "wharf_broker_connected"
    case brokerBlocked = "wharf_broker_blocked"
    case brokerOpened = "wharf_broker_connections_opened_total"
    case brokerLost = "wharf_broker_connections_lost_total"
    case publications = "wharf_broker_publications_total"
    case publishDuration = "wharf_broker_publish_duration_seconds"
    // Traces and metrics
    case spansExported = "wharf_spans_exported_total"
    case spansDropped = "wharf_spans_dropped_total"
    case seriesOverflowed = "wharf_metrics_overflowed_series_total"
    // The process, under the names that Prometheus' own clients use
    case buildInfo = "wharf_build_info"
    case processCPU = "process_cpu_seconds_total"
    case processMaximumDescriptors = "process_max_fds"
    case processDescriptors = "process_open_fds"
    case processResident = "process_resident_memory_bytes"
    case processVirtual = "process_virtual_memory_bytes"
    case processStart = "process_start_time_seconds"

    public struct Declaration: Sendable {
        public enum Kind: Sendable, Equatable {
            case counter, gauge
            /// Upper bounds, ascending.
            case histogram([Double])
        }

        public let kind: Kind
        public let labels: [String]
        public let help: String
    }

    public var declaration: Declaration {
        switch self {
        case .httpDuration: histogram(Self.durations, ["operation"], "Time from the head of a request to the head of its reply.")
        case .httpResponses: counter(["operation", "status"], "HTTP replies, by class of status.")
        case .httpTurnedAway: counter([], "Requests rejected because too many were in progress.")
        case .httpAnswersKept: counter([], "Reads answered from the ingress's cache.")

        case .messages:
            counter(["service", "operation", "outcome"], "Messages settled: handled, rejected (4xx), failed (5xx), repeated, expired, retried, refused or dead-lettered.")
        case .messageDuration: histogram(Self.durations, ["service", "operation"], "Time from taking a batch to settling it, once for each operation in the batch.")
        case .messagesSent: counter(["service", "message"], "Messages sent as a result of handling, except those sent again for a repeated message.")
        case .batchMessages: histogram(Self.counts, ["service", "queue"], "Messages handled together in one batch.")
        case .inboxHits: counter(["service"], "Deliveries of messages that the inbox already knew: duplicates without a second effect.")
        case .retries: counter(["service", "queue", "rung"], "Messages sent to a rung of the retry ladder.")
        case .deadLetters: counter(["service", "queue"], "Messages that became dead letters.")
        case .queueWait: histogram(Self.waits, ["service", "queue"], "Time in the queue of the oldest message of each batch, to the second.")
        case .queueOldestAge: gauge(["service", "queue"], "Age of the oldest unsettled message that this worker has taken, to the second. The maximum over a pool is the queue's.")

        case .checkouts: gauge(["phase"], "Running checkouts, the oldest 10000 at most. Every worker reports the same.")
        case .checkoutOldestAge: gauge(["phase"], "Age of the oldest running checkout. Every worker reports the same.")
        case .checkoutsStuck: gauge([], "Running checkouts whose step was repeated three times without an answer, 10000 at most. Every worker reports the same.")
        case .deadLettersOpen: gauge(["service"], "Open dead letters by the service they are from; `other` for queues that belong to no service. Every worker reports the same.")
        case .deadLetterOldestAge: gauge(["service"], "Time since the oldest open dead letter was last seen. Every worker reports the same.")
        case .notificationsWaiting: gauge(["channel"], "Notifications whose latest attempt failed or is overdue.")
        case .notificationOldestAge: gauge(["channel"], "Time since the oldest waiting notification was due.")

        case .paymentsUndecided: gauge(["kind"], "Payments, refunds and unclaimed payments that wait for an operator's decision. Every worker reports the same.")
        case .paymentDifferences: gauge(["gateway"], "Payments that differ from the gateway's list in the latest comparison.")
        case .eventsCaughtUp: counter(["gateway"], "Gateway events whose webhooks had not arrived.")
        case .partnerCalls:
            counter(["partner", "call", "result"], "Calls to payment gateways and vendors: succeeded (2xx, 3xx), declined (402), rejected (4xx), throttled (429), failed (5xx) or unanswered.")
        case .partnerDuration: histogram(Self.durations, ["partner", "call"], "Time from a call to a payment gateway or vendor to its answer or failure.")

        case .databaseConnections: gauge(["service", "state"], "PostgreSQL connections of this process's pool, lent or idle.")
        case .databaseWaiters: gauge(["service"], "Callers that wait for a PostgreSQL connection.")
        case .brokerConnected: gauge(["connection"], "1 while the connection to RabbitMQ is open.")
        case .brokerBlocked: gauge(["connection"], "1 while RabbitMQ accepts no publications on this connection because of a memory or disk alarm.")
        case .brokerOpened: counter(["connection"], "Connections to RabbitMQ opened, including the first.")
        case .brokerLost: counter(["connection"], "Connections to RabbitMQ lost.")
        case .publications: counter(["connection", "outcome"], "Publications: confirmed, returned, refused or failed. A bundle of messages is one.")
        case .publishDuration: histogram(Self.durations, ["connection"], "Time from a call to publish to the last of its outcomes.")

        case .spansExported: counter([], "Spans exported.")
        case .spansDropped: counter(["reason"], "Spans dropped.")
        case .seriesOverflowed: counter([], "Label values counted under other, or not recorded for undeclared metrics, because a bound was reached.")

        case .buildInfo: gauge(["version", "role"], "1, labelled with the version and role of this process.")
        case .processCPU: counter([], "User and system CPU time.")
        case .processMaximumDescriptors: gauge([], "Largest number of open file descriptors.")
        case .processDescriptors: gauge([], "Open file descriptors.")
        case .processResident: gauge([], "Resident memory.")
        case .processVirtual: gauge([], "Virtual memory.")
        case .processStart: gauge([], "Start of the process, since 1970.")
        }
    }

    /// Seconds, from half a millisecond to half a minute.
    public static let durations = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
    /// Seconds; timestamps of messages are whole seconds.
    static let waits: [Double] = [1, 2, 5, 10, 30, 60, 120, 300, 900, 3_600]
    public static let counts: [Double] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 5_000, 10_000, 100_000]

    private func counter(_ labels: [String], _ help: String) -> Declaration { Declaration(kind: .counter, labels: labels, help: help) }
    private func gauge(_ labels: [String], _ help: String) -> Declaration { Declaration(kind: .gauge, labels: labels, help: help) }
    private func histogram(_ bounds: [Double], _ labels: [String], _ help: String) -> Declaration {
        Declaration(kind: .histogram(bounds), labels: labels, help: help)
    }
}
