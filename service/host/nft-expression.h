/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The expressions of model/ruleset-types.h as libnftnl's. */

#include <stdio.h> /* libnftnl/expr.h needs it, and does not say so */

#include <libnftnl/expr.h>

#include "model/ruleset-types.h"

typedef struct nftnl_expr NftExpression;

/* @expression as an object that the rule it is added to frees. */
NftExpression *nft_expression_new(const Expression *expression);
