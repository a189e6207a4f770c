"""The controller: decides which nodes should change sides, and hands them over safely.

It sees the world only through the ports of ``models`` and forecasts only as values in the snapshot. Here may not be a
scheduler's client, a forecasting model, or an import of ``forecasting`` or ``connectors``.
"""
